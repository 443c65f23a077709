// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const KB = 1024;

/** A process's memory in MB (10^6 bytes), as the kernel counts it (proc(5), status). */
export interface Memory {
  /** All resident pages: VmRSS. */
  readonly rss: number;
  /** Of those, the ones that belong to no file: RssAnon. */
  readonly anonymous: number;
  /** The most that VmRSS has been since the start, or since {@linkcode forgetPeak}: VmHWM. */
  readonly peak: number;
}

export function memoryOf(pid: number): Memory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) * KB / 1e6;
  return { rss: field("VmRSS"), anonymous: field("RssAnon"), peak: field("VmHWM") };
}

/** Makes the present VmRSS the new peak (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Number of open file descriptors. */
export function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** CPU time in milliseconds that the process has used, user and system (proc(5), stat; 100 ticks a second). */
export function cpuOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Every process whose command line or environment names `directory`, but not this one. */
export function processesNaming(directory: string): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    try {
      const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      const environment = Deno.readTextFileSync(`/proc/${pid}/environ`);
      if (command.includes(directory) || environment.includes(directory)) found.push({ pid, command });
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
  }
  return found;
}

/** Between the listing and the reading a process may end, and others are not ours to read. */
function hasEnded(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    /ESRCH|No such process/.test(String(error));
}

/** Programs of ours, and how to know them by their command lines, from source or compiled. */
const PROGRAMS = {
  vmserver: /(agent\/main\.ts|vmserver(\.js)?) run /,
  monitor: /(agent\/monitor\/main\.ts|vmserver monitor) /,
} as const;

/** The process of a program among those that name `directory`. @throws {Error} if there is none or more than one */
export function onlyProcess(directory: string, program: keyof typeof PROGRAMS): Process {
  const processes = processesNaming(directory);
  const found = processes.filter(({ command }) =>
    PROGRAMS[program].test(command) && !/\binit\.sh\b/.test(command)
  );
  if (found.length === 1) return found[0]!;
  const all = processes.map(({ pid, command }) => `${pid} ${command}`).join("\n");
  throw new Error(`There are ${found.length} processes of ${program} instead of one among\n${all}`);
}

/** Kills every process that names `directory`, and those that they start meanwhile, until there is none. */
export async function killAll(directory: string): Promise<void> {
  for (;;) {
    const processes = processesNaming(directory);
    if (processes.length === 0) return;
    for (const { pid } of processes) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    // Nobody tells us of the death of what is not our child.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
