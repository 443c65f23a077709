// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";
import { UnauthorizedError } from "../../lib/errors.ts";
import { readStat } from "./identity.ts";
import type { ProcessEntry, ProcessTable } from "./process_table.ts";

/** A killed process goes within a millisecond, unless the kernel holds it. There is no event for others' children. */
const ROUNDS = 12;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

export interface KillOptions {
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** Process id of the supervisor if it lives: it goes first, so that it starts nothing again. */
  readonly supervisor: number | undefined;
}

/**
 * Kills every process of a VM and looks again until there is none, because a process may fork while it is being killed.
 *
 * @returns false if some are still there, held by the kernel: to be called again
 */
export async function killVm(vmId: string, options: KillOptions, signal: AbortSignal): Promise<boolean> {
  const { table, clock, supervisor } = options;
  const sessions = new Set<number>();
  let pause = FIRST_PAUSE_MS;
  for (let round = 0; round < ROUNDS; round++) {
    signal.throwIfAborted();
    const members = membersOf(vmId, await table.read(), sessions);
    if (members.length === 0) return true;
    for (const entry of inKillOrder(members, supervisor)) kill(entry);
    await clock.sleep(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return false;
}

/**
 * The processes that carry the VM's mark; their descendants; and whoever is in a session that the VM made, even if it has
 * overwritten its environment since (nginx and PostgreSQL do, for their titles).
 *
 * @param sessions sessions found so far, remembered while their leaders die
 */
export function membersOf(
  vmId: string,
  table: readonly ProcessEntry[],
  sessions: Set<number>,
): ProcessEntry[] {
  const members = new Set(table.filter((entry) => entry.vmId === vmId).map(({ pid }) => pid));
  const alive = new Set(table.map(({ pid }) => pid));
  for (let before = -1; before < members.size;) {
    before = members.size;
    for (const { pid, session } of table) {
      // A session with a living leader that is not ours is a terminal in which somebody tries out our agent.
      if (members.has(pid) && (members.has(session) || !alive.has(session))) sessions.add(session);
    }
    for (const { pid, parent, session, vmId: other } of table) {
      if (other !== undefined && other !== vmId) continue;
      if (members.has(parent) || sessions.has(session)) members.add(pid);
    }
  }
  members.delete(Deno.pid);
  members.delete(1);
  return table.filter(({ pid }) => members.has(pid));
}

/** The supervisor, then what it has started, the agent among it, then the rest. */
function inKillOrder(members: readonly ProcessEntry[], supervisor: number | undefined): ProcessEntry[] {
  const rank = ({ pid, parent }: ProcessEntry) => pid === supervisor ? 0 : parent === supervisor ? 1 : 2;
  return members.toSorted((a, b) => rank(a) - rank(b));
}

function kill({ pid, startTicks }: ProcessEntry): void {
  // Its number may have been given to another process since the table was read.
  if (readStat(pid)?.startTicks !== startTicks) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || String(cause).includes("os error 3")) return;
    throw new UnauthorizedError(`Cannot kill process ${pid} of a VM: it may run as another user`, { cause });
  }
}
