// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What `/proc/<pid>/stat` says of a process, as far as the agent needs it (proc_pid_stat(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** User and system time, its own and that of children that it waited for, in clock ticks. */
  readonly cpuTicks: number;
  /** Since boot, in clock ticks. */
  readonly startTicks: string;
}

/** Clock ticks a second as seen by user space: 100 on every architecture that Deno runs on. */
export const TICKS_PER_SECOND = 100;
/** Page size of x86-64 and of arm64 as distributions build it. */
export const PAGE_BYTES = 4096;

/** The command stands in brackets and may hold anything, brackets and spaces included: fields begin behind the last `)`. */
export function parseStat(text: string): ProcessStat | undefined {
  const end = text.lastIndexOf(")");
  if (end < 0) return undefined;
  const fields = text.slice(end + 2).split(" ");
  const startTicks = fields[19];
  if (startTicks === undefined) return undefined;
  const number = (index: number) => Number(fields[index]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0]!,
    parent: number(1),
    group: number(2),
    session: number(3),
    cpuTicks: number(11) + number(12) + number(13) + number(14),
    startTicks,
  };
}

/**
 * Milliseconds since a process was made.
 *
 * @param uptime content of `/proc/uptime` (proc_uptime(5)): seconds since boot, with two digits of fraction
 */
export function processAge(uptime: string, { startTicks }: ProcessStat): number {
  return Number.parseFloat(uptime) * 1000 - Number(startTicks) * 1000 / TICKS_PER_SECOND;
}

/** Undefined if there is no such process (any more). A zombie still is one. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** A file of a process. Undefined if the process is gone, went while we read, or is not ours to look at. */
export function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    if (isNoSuchProcess(error)) return undefined;
    throw error;
  }
}

/** ESRCH: the process ended between open and read, or is a kernel thread. Deno 2.9 has no class and no code for it. */
function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(os error 3)");
}

/** Numbers of all processes. */
export function* processIds(): Generator<number> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (name.charCodeAt(0) <= 57 && /^\d+$/.test(name)) yield Number(name);
  }
}
