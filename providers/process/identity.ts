// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What tells one process from all others, before and after: process ids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the machine's boot to the process's start, as in `/proc/<pid>/stat`. */
  readonly startTicks: string;
  readonly bootId: string;
}

/** Fields of `/proc/<pid>/stat`; see proc(5). */
export interface ProcessStat {
  readonly pid: number;
  /** `Z` and `X` are dead: a zombie waits for its parent to look. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  readonly startTicks: string;
}

/** The program's name stands in brackets and may hold brackets and spaces: fields are counted from the last one. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const pid = Number.parseInt(text, 10);
  const [state, parent, , session] = fields;
  const startTicks = fields[19];
  if (!(pid > 0) || !state || parent === undefined || session === undefined || !startTicks) return undefined;
  return { pid, state, parent: Number(parent), session: Number(session), startTicks };
}

/** Undefined if there is no such process, or only its zombie. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  const stat = text === undefined ? undefined : parseStat(text);
  return stat && stat.state !== "Z" && stat.state !== "X" ? stat : undefined;
}

export function isAlive({ pid, startTicks, bootId }: ProcessIdentity): boolean {
  return bootId === currentBootId() && readStat(pid)?.startTicks === startTicks;
}

/** Reads the line that a supervisor has written: `<pid> <start ticks> <boot id>`. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^(\d+) (\d+) ([0-9a-f-]+)\n$/.exec(text);
  if (!match) return undefined;
  const [, pid = "", startTicks = "", bootId = ""] = match;
  return { pid: Number(pid), startTicks, bootId };
}

let bootId: string | undefined;

/** Constant while this process lives. */
export function currentBootId(): string {
  return bootId ??= Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}

/**
 * A file of a process, undefined if the process is gone or belongs to somebody else. These files are in memory: reading
 * one takes some 10 µs and never waits.
 */
export function readProcFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    // ESRCH, of a process that ends while it is read, has no class in Deno.
    if (error instanceof Error && error.message.includes("os error 3")) return undefined;
    throw error;
  }
}
