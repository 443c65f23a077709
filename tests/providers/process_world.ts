// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { openProcessProvider } from "../../providers/process/mod.ts";
import type { PodProvider } from "../../providers/provider.ts";
import type { ProviderWorld } from "../../providers/suite.ts";

export const IDLE_AGENT = ["/bin/sh", fileURLToPath(new URL("idle_agent.sh", import.meta.url))];

/** An empty directory for VMs that are processes. Kills what is left of them when it is disposed of. */
export class ProcessWorld implements ProviderWorld {
  readonly directory: string;
  readonly #agentCommand: readonly string[];

  private constructor(directory: string, agentCommand: readonly string[]) {
    this.directory = directory;
    this.#agentCommand = agentCommand;
  }

  static async create(agentCommand: readonly string[] = IDLE_AGENT): Promise<ProcessWorld> {
    return new ProcessWorld(await Deno.makeTempDir({ prefix: "process-provider-" }), agentCommand);
  }

  newProvider({ cluster, node } = { cluster: "suite", node: "node-1" }): Promise<PodProvider> {
    return openProcessProvider(
      { kind: "process", addresses: "127.64.0.0/10", agentCommand: [...this.#agentCommand] },
      { name: "process", cluster, node, directory: this.directory, unsafe: true, clock: systemClock },
    );
  }

  /** Files and processes, but for the lock, which stays with the directory. A process of a VM has the VM's directory in its environment, which only its own uses. */
  async inventory(): Promise<string[]> {
    const files = (await this.#files(this.directory)).filter((path) => path !== `${this.directory}/lock`);
    return [...files, ...(await this.processes()).map(({ command }) => command)]
      .sort();
  }

  async processes(): Promise<{ readonly pid: number; readonly command: string }[]> {
    const found: { pid: number; command: string }[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const environ = await read(`/proc/${name}/environ`);
      if (!environ.includes(`=${this.directory}/`)) continue;
      found.push({ pid: Number(name), command: (await read(`/proc/${name}/cmdline`)).replaceAll("\0", " ") });
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let left; (left = await this.processes()).length > 0;) {
      for (const { pid } of left) kill(pid);
    }
    await Deno.remove(this.directory, { recursive: true });
  }

  async #files(directory: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(directory)) {
      const path = `${directory}/${name}`;
      if (isDirectory) found.push(path, ...await this.#files(path));
      else found.push(path);
    }
    return found;
  }
}

/** Empty if the process is gone or not ours. */
async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

export function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !String(error).includes("os error 3")) throw error;
  }
}
