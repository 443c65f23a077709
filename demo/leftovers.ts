// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join, relative } from "node:path";

/** A process that has the demo's folder in its arguments, its environment or as its working directory. */
export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Processes of the demo other than this one. The folder's name is unique, so that nobody else's are among them. */
export async function processesOf(folder: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    const command = (await readable(`/proc/${name}/cmdline`)).replaceAll("\0", " ").trim();
    const environment = await readable(`/proc/${name}/environ`);
    const directory = await Deno.readLink(`/proc/${name}/cwd`).catch(() => "");
    if ([command, environment, directory].some((text) => text.includes(folder))) found.push({ pid, command });
  }
  return found;
}

/** A process may end while it is looked at, or belong to somebody else. */
async function readable(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => "");
}

/** The files that the node keeps for its pods, below its state. */
export async function podFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const part of ["state/pods", "state/logs", "state/providers"]) {
    await collect(join(folder, part), folder, found);
  }
  return found.sort();
}

export async function sockets(folder: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.filter((name) => name.endsWith(".sock"));
}

async function collect(directory: string, folder: string, found: string[]): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    found.push(relative(folder, path));
    if (entry.isDirectory) await collect(path, folder, found);
  }
}
