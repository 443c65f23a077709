// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers";
import type { ProcessStat } from "./identity.ts";
import { readProcFile, readStat } from "./identity.ts";

/** Name of the environment variable that the processes of a VM inherit. Its value is the VM's id. */
export const MARK = "INFRANETES_VM";
/** Parent of the kernel's own threads: they have no environment. */
const KTHREADD = 2;
/** Processes read at a stretch: some 30 µs each. */
const CHUNK = 32;

export interface ProcessEntry extends ProcessStat {
  /** The VM that its environment names, by the mark or by a path in the VM's directory. */
  readonly vmId: string | undefined;
}

/** All living processes that this user can see, for whoever asks: callers that come together share one reading. */
export class ProcessTable {
  readonly #path: RegExp;
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<readonly ProcessEntry[]> | undefined;

  /** @param root Where the VMs' directories are, without symbolic links. */
  constructor(root: string) {
    this.#path = new RegExp(`=${RegExp.escape(root)}/([0-9a-f]{32})/`);
  }

  /** Begins after the call, so that what the caller did before is seen. */
  read(): Promise<readonly ProcessEntry[]> {
    this.#next ??= this.#current.then(() => {
      const reading = readProcesses(this.#path);
      this.#next = undefined;
      this.#current = reading.catch(() => {}); // Told to those who wait for it.
      return reading;
    });
    return this.#next;
  }
}

async function readProcesses(path: RegExp): Promise<readonly ProcessEntry[]> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (/^\d+$/.test(name)) pids.push(Number(name));
  }
  const entries: ProcessEntry[] = [];
  for (let i = 0; i < pids.length; i += CHUNK) {
    entries.push(...pids.slice(i, i + CHUNK).flatMap((pid) => readEntry(pid, path)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return entries;
}

function readEntry(pid: number, path: RegExp): ProcessEntry[] {
  const stat = readStat(pid);
  if (!stat || stat.parent === KTHREADD || pid === KTHREADD) return [];
  const environ = readProcFile(`/proc/${pid}/environ`) ?? "";
  return [{ ...stat, vmId: markOf(environ) ?? path.exec(environ)?.[1] }];
}

/** The environment is `NAME=value` strings, each ended by a zero byte. */
function markOf(environ: string): string | undefined {
  const start = `\0${environ}`.indexOf(`\0${MARK}=`);
  return start < 0 ? undefined : environ.slice(start + MARK.length + 1).split("\0", 1)[0];
}
