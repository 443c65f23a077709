// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Model } from "../state/model.ts";
import type { SandboxEntry } from "../state/sandbox_entry.ts";
import type { PodCalls } from "./calls.ts";
import type { ManifestContainer, PodManifest } from "./manifest.ts";
import type { PodFiles } from "./pod_files.ts";
import { runsOf } from "./pod_runs.ts";
import { FIRST_DELAY_MS, GREATEST_DELAY_MS, nextStep, type Run, type Step } from "./restart.ts";
import { containerConfig } from "./translate.ts";
import { until } from "./until.ts";

const logger = getLogger(["infranetes", "pods"]);

export interface KeeperParts {
  readonly clock: Clock;
  readonly model: Pick<Model, "subscribe" | "containersOf">;
  readonly calls: PodCalls;
  readonly files: PodFiles;
}

/** Why a container is not there, for whoever looks. */
export interface Trouble {
  /** The kubelet's word: `CreateContainerError`, `RunContainerError`. */
  readonly reason: string;
  readonly message: string;
  /** When it is tried again, milliseconds since the epoch. */
  readonly retryAt: number;
  readonly error: unknown;
}

/**
 * Keeps the containers of one stand-alone pod as its manifest wants them, until its signal fires. It has no memory of
 * its own: what to do follows from the facts, so that another process may go on where this one ended.
 */
export class PodKeeper {
  readonly #parts: KeeperParts;
  readonly #sandbox: SandboxEntry;
  readonly #manifest: PodManifest;
  readonly #signal: AbortSignal;
  readonly #troubles = new Map<string, Trouble>();
  readonly #firstTrouble = Promise.withResolvers<never>();

  constructor(parts: KeeperParts, sandbox: SandboxEntry, manifest: PodManifest, signal: AbortSignal) {
    this.#parts = parts;
    this.#sandbox = sandbox;
    this.#manifest = manifest;
    this.#signal = signal;
    // Nobody needs to ask for it.
    this.#firstTrouble.promise.catch(() => {});
  }

  get manifest(): PodManifest {
    return this.#manifest;
  }

  /** What keeps a container from running now, if something does. */
  trouble(container: string): Trouble | undefined {
    return this.#troubles.get(container);
  }

  /** Never resolves; rejects with the first error of creating or starting a container. */
  get failed(): Promise<never> {
    return this.#firstTrouble.promise;
  }

  /** Resolves when nothing is left to be done for good; rejects with the signal's reason. */
  async run(): Promise<void> {
    await Promise.all(this.#manifest.spec.containers.map((container) => this.#keep(container)));
  }

  async #keep(container: ManifestContainer): Promise<void> {
    for (let failures = 0;;) {
      const step = await this.#nextAct(container.name);
      if (step.kind === "done") return;
      if (step.kind === "hold") {
        await this.#parts.clock.sleep(step.until - this.#parts.clock.now(), this.#signal);
        continue;
      }
      try {
        await this.#parts.calls.linked(this.#sandbox.id, this.#signal);
        if (step.kind === "create") await this.#create(container, step);
        else await this.#parts.calls.startContainer(step.id, this.#signal);
        failures = 0;
        this.#troubles.delete(container.name);
      } catch (error) {
        await this.#holdAfter(error, container.name, step.kind, failures++);
      }
    }
  }

  /** The next step that is one. */
  #nextAct(container: string): Promise<Exclude<Step, { kind: "wait" }>> {
    return until(this.#parts.model, () => {
      const step = nextStep(
        this.#runs(container),
        this.#manifest.spec.restartPolicy,
        this.#parts.clock.now(),
      );
      return step.kind === "wait" ? undefined : step;
    }, this.#signal);
  }

  #runs(container: string): Run[] {
    return runsOf(this.#parts.model, this.#sandbox.id, container);
  }

  async #create(
    container: ManifestContainer,
    { attempt, delayMs }: Step & { kind: "create" },
  ): Promise<void> {
    const { calls, files } = this.#parts;
    const pod = this.#sandbox.facts;
    await this.#removeRunsBefore(container.name, attempt - 1);
    const imageId = await calls.resolveImage(container.image, this.#signal);
    const terminationMessageFile = await files.createTerminationFile(pod, container.name, attempt);
    const identity = {
      given: null,
      uid: pod.uid,
      namespace: pod.namespace,
      logDirectory: files.logDirectory(pod),
    };
    const run = { attempt, imageId, restartDelayMs: delayMs, terminationMessageFile };
    const config = containerConfig(this.#manifest, container, identity, run);
    await calls.createContainer(this.#sandbox.id, config, this.#sandbox.config, this.#signal);
  }

  /** Of the runs that have ended the last one is kept, for `logs --previous`, as a kubelet does. */
  async #removeRunsBefore(container: string, attempt: number): Promise<void> {
    for (const run of this.#runs(container)) {
      if (run.attempt >= attempt) continue;
      await this.#parts.calls.removeContainer(run.id, this.#signal);
      await this.#parts.files.removeRun(this.#sandbox.facts, container, run.attempt);
    }
  }

  async #holdAfter(
    error: unknown,
    container: string,
    step: "create" | "start",
    failures: number,
  ): Promise<void> {
    this.#signal.throwIfAborted();
    // A process that could not be started is an exit, with a restart of its own.
    if (step === "start" && nextStep(this.#runs(container), "Never", 0).kind === "done") {
      return this.#firstTrouble.reject(error);
    }
    const delay = Math.min(FIRST_DELAY_MS * 2 ** failures, GREATEST_DELAY_MS);
    const reason = step === "create" ? "CreateContainerError" : "RunContainerError";
    const message = error instanceof Error ? error.message : String(error);
    this.#troubles.set(container, { reason, message, retryAt: this.#parts.clock.now() + delay, error });
    logger.warn("Container {container} of pod {pod} cannot be had yet: {message}", {
      container,
      pod: `${this.#sandbox.facts.namespace}/${this.#sandbox.facts.name}`,
      message,
    });
    this.#firstTrouble.reject(error);
    await this.#parts.clock.sleep(delay, this.#signal);
  }
}
