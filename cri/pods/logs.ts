// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Model } from "../state/model.ts";
import type { PodFiles } from "./pod_files.ts";
import type { Pods } from "./pods.ts";
import { readLog } from "./read_log.ts";
import { until } from "./until.ts";

export interface LogOptions {
  readonly container: string | undefined;
  /** The run before the last one. */
  readonly previous: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tail: number | undefined;
}

/** Logs of stand-alone pods, from the files that the node writes. */
export class PodLogs {
  readonly #model: Pick<Model, "subscribe" | "container">;
  readonly #pods: Pick<Pods, "run">;
  readonly #files: PodFiles;

  constructor(model: Pick<Model, "subscribe" | "container">, pods: Pick<Pods, "run">, files: PodFiles) {
    this.#model = model;
    this.#pods = pods;
    this.#files = files;
  }

  /**
   * Finds a log. What it answers reads it, until the signal fires.
   *
   * @throws {NotFoundError} if there is no such pod, container or run
   */
  open(
    namespace: string,
    name: string,
    options: LogOptions,
  ): (signal: AbortSignal) => AsyncIterable<Uint8Array> {
    const { sandbox, entry, container } = this.#pods.run(
      namespace,
      name,
      options.container,
      options.previous,
    );
    const path = this.#files.logFile(sandbox.facts, container, entry.facts.attempt);
    return (signal) => this.#read(path, entry.id, options, signal);
  }

  async *#read(
    path: string,
    id: string,
    { follow, timestamps, tail }: LogOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const finished = new AbortController();
    try {
      // The model tells an exit only when the log is complete.
      const isOver = () => (this.#model.container(id)?.state.kind ?? "exited") === "exited";
      const ended = follow ? until(this.#model, isOver, finished.signal) : Promise.resolve();
      ended.catch(() => {});
      yield* readLog(path, { tail, timestamps, follow, ended, signal });
    } finally {
      finished.abort();
    }
  }
}
