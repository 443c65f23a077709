// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { TimeoutError, UnavailableError } from "../../lib/errors.ts";
import {
  PAGE_BYTES,
  processAge,
  processIds,
  type ProcessStat,
  readProc,
  readStat,
  TICKS_PER_SECOND,
} from "./linux_proc.ts";
import { linuxSignalNumber } from "./linux_signals.ts";
import type { Os, ProcessSet, ProcessUsage } from "./os.ts";

/** The highest signal that Deno.kill() takes; real-time signals lie above. */
const LAST_STANDARD_SIGNAL = 31;
const KILL_BOUND_MS = 5_000;
/** Looking at a process takes about 20 µs: between so many of them the event loop gets its turn. */
const PROCESSES_A_TURN = 100;

/** Linux by way of /proc: no library, no root. */
export class LinuxOs implements Os {
  readonly name = "linux";
  readonly defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  readonly endSignals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  readonly user = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };

  async bootId(): Promise<string> {
    return (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
  }

  age(): number {
    return processAge(Deno.readTextFileSync("/proc/uptime"), readStat(Deno.pid)!);
  }

  startToken(pid: number): string | undefined {
    const stat = readStat(pid);
    return stat && isAlive(stat) ? stat.startTicks : undefined;
  }

  signalNumber(name: string): number | undefined {
    return linuxSignalNumber(name);
  }

  async signal(pid: number, signal: number): Promise<boolean> {
    if (signal <= LAST_STANDARD_SIGNAL) return kill(pid, signal);
    const { success, stderr } = await new Deno.Command("kill", {
      args: [`-${signal}`, String(pid)],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) return true;
    if (readStat(pid) === undefined) return false;
    throw new UnavailableError(`Cannot send signal ${signal}: ${new TextDecoder().decode(stderr).trim()}`);
  }

  killGroup(leader: number): boolean {
    return kill(-leader, 9);
  }

  async killAll(set: ProcessSet, signal?: AbortSignal): Promise<number> {
    const deadline = performance.now() + KILL_BOUND_MS;
    const found = new Set<number>();
    for (let pause = 1;; pause = Math.min(pause * 2, 50)) {
      signal?.throwIfAborted();
      if (set.leader !== undefined && kill(-set.leader, 9)) found.add(set.leader);
      const alive = await members(set);
      if (alive.length === 0) return found.size;
      for (const pid of alive) {
        found.add(pid);
        kill(pid, 9);
      }
      if (performance.now() > deadline) {
        throw new TimeoutError(
          `Processes ${alive.join(", ")} are still there ${KILL_BOUND_MS} ms after SIGKILL`,
        );
      }
      // The kernel tells only a parent of a death, and these are not our children.
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async usage(pid: number): Promise<ProcessUsage | undefined> {
    let ticks = 0;
    let residentPages = 0;
    let sharedPages = 0;
    let processes = 0;
    // Down the tree by the kernel's own lists: a look at each process of the machine would cost every VM that shares it.
    const queue = [pid];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const stat = readStat(next);
      if (!stat || !isAlive(stat)) continue;
      const [, resident = 0, shared = 0] = (readProc(`/proc/${next}/statm`) ?? "").split(" ").map(Number);
      ticks += stat.cpuTicks;
      residentPages += resident;
      sharedPages += shared;
      processes += 1;
      queue.push(...await children(next));
    }
    if (processes === 0) return undefined;
    return {
      cpuNanoseconds: BigInt(ticks) * BigInt(1e9 / TICKS_PER_SECOND),
      residentBytes: residentPages * PAGE_BYTES,
      anonymousBytes: Math.max(0, residentPages - sharedPages) * PAGE_BYTES,
      processes,
    };
  }

  async powerOff(): Promise<void> {
    const problems: string[] = [];
    for (const [command, ...args] of [["systemctl", "poweroff", "--no-block"], ["poweroff", "-f"]]) {
      try {
        const { success, stderr } = await new Deno.Command(command!, { args, stdin: "null", stdout: "null" })
          .output();
        if (success) return;
        problems.push(`${command}: ${new TextDecoder().decode(stderr).trim()}`);
      } catch (error) {
        problems.push(`${command}: ${(error as Error).message}`);
      }
    }
    throw new UnavailableError(`Cannot power the machine off: ${problems.join("; ")}`);
  }
}

/** The kernel lists children by the thread that made them. */
async function children(pid: number): Promise<number[]> {
  const found: number[] = [];
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const text = readProc(`/proc/${pid}/task/${name}/children`) ?? "";
      for (const child of text.split(" ")) if (child !== "") found.push(Number(child));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

function isAlive(stat: ProcessStat): boolean {
  return stat.state !== "Z" && stat.state !== "X";
}

/** False if there is no such process or group. */
function kill(pid: number, signal: number): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    // So Deno names ESRCH here.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function members({ leader, marker }: ProcessSet): Promise<number[]> {
  const found: number[] = [];
  // Half of a small machine's processes are the kernel's own; in a namespace of processes there is no such parent.
  const kernel = readProc("/proc/2/comm") === "kthreadd\n" ? 2 : undefined;
  let looked = 0;
  for (const pid of processIds()) {
    if (++looked % PROCESSES_A_TURN === 0) await new Promise((resolve) => setTimeout(resolve));
    if (pid === Deno.pid) continue;
    const stat = readStat(pid);
    if (!stat || stat.parent === kernel || !isAlive(stat)) continue;
    const bound = leader !== undefined && (stat.session === leader || stat.group === leader);
    if (bound || (marker !== undefined && hasMarker(pid, marker))) found.push(pid);
  }
  return found;
}

/** The environment that a process began with: variables end with NUL. */
function hasMarker(pid: number, marker: string): boolean {
  const environment = readProc(`/proc/${pid}/environ`);
  return environment !== undefined && `\0${environment}`.includes(`\0${marker}\0`);
}
