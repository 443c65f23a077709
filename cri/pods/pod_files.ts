// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import type { NodeConfig } from "../config/schema.ts";
import { logPath } from "./translate.ts";

/** Whose files they are. The uid makes the name of the folder its own: a pod that is run again has another. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * The files that the node keeps for stand-alone pods, as a kubelet keeps those of its own:
 *
 *     <stateDir>/pods/<namespace>_<name>_<uid>/<container>-<attempt>.termination
 *     <logs>/<namespace>_<name>_<uid>/<container>/<attempt>.log
 *
 * The folder under `pods` is made first and deleted last: what stands there without a pod tells what to clean up.
 */
export class PodFiles {
  readonly #pods: string;
  readonly #logs: string;

  constructor({ stateDir, logs }: Pick<NodeConfig, "stateDir" | "logs">) {
    this.#pods = join(stateDir, "pods");
    this.#logs = logs.directory || join(stateDir, "logs");
  }

  logDirectory(pod: PodName): string {
    return join(this.#logs, folder(pod));
  }

  logFile(pod: PodName, container: string, attempt: number): string {
    return join(this.logDirectory(pod), logPath(container, attempt));
  }

  terminationFile(pod: PodName, container: string, attempt: number): string {
    return join(this.#pods, folder(pod), `${container}-${attempt}.termination`);
  }

  async create(pod: PodName, containers: readonly string[]): Promise<void> {
    await Deno.mkdir(join(this.#pods, folder(pod)), { recursive: true, mode: 0o700 });
    for (const container of containers) {
      await Deno.mkdir(join(this.logDirectory(pod), container), { recursive: true, mode: 0o755 });
    }
  }

  /** Makes the empty file that a run's termination message goes to. */
  async createTerminationFile(pod: PodName, container: string, attempt: number): Promise<string> {
    const path = this.terminationFile(pod, container, attempt);
    await Deno.writeFile(path, new Uint8Array(), { mode: 0o600 });
    return path;
  }

  /** Deletes what belongs to one run. */
  async removeRun(pod: PodName, container: string, attempt: number): Promise<void> {
    await remove(this.logFile(pod, container, attempt));
    await remove(this.terminationFile(pod, container, attempt));
  }

  async remove(pod: PodName): Promise<void> {
    await this.#removeFolder(folder(pod));
  }

  /** Deletes the files of pods that are not among these. For the start of the process, before pods can be run. */
  async sweep(pods: Iterable<PodName>): Promise<void> {
    const wanted = new Set([...pods].map(folder));
    for (const name of await names(this.#pods)) if (!wanted.has(name)) await this.#removeFolder(name);
  }

  async #removeFolder(name: string): Promise<void> {
    await remove(join(this.#logs, name));
    await remove(join(this.#pods, name));
  }
}

/** Neither namespaces nor names nor uids hold an underscore. */
function folder({ namespace, name, uid }: PodName): string {
  return `${namespace}_${name}_${uid}`;
}

async function names(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
