// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { writeExitRecord } from "../../monitor/exit_record.ts";
import {
  EXIT_FILE,
  type ExitRecord,
  LOCK_FILE,
  LOG_DIRECTORY,
  readRecord,
  SOCKET_FILE,
  START_FILE,
  STARTED_FILE,
  type StartedRecord,
  STARTING_FILE,
} from "../../monitor/spec.ts";
import { isDiskProblem } from "../../os/disk_problem.ts";
import type { Os } from "../../os/os.ts";
import { repairSpool } from "../../spool/repair.ts";
import { readIfExists, removeIfExists } from "../../state/atomic_file.ts";
import { CONTAINER_VARIABLE } from "./environment.ts";
import { MonitorLink } from "./monitor_link.ts";
import { monitorError } from "./monitor_process.ts";

const logger = getLogger(["vmserver", "exec"]);

/** What runs, or ran, in a container's directory. */
export type Found =
  | { readonly kind: "created" }
  | { readonly kind: "running"; readonly link: MonitorLink }
  | { readonly kind: "exited"; readonly exit: ExitRecord };

/** @see takeOver */
export interface TakeoverOptions {
  readonly containerId: string;
  readonly directory: string;
  readonly os: Os;
  readonly nowNs: () => bigint;
  /** Why the monitor could not be started, if so: then its death is no loss but a failed start. */
  readonly problem?: string;
}

/** A monitor that has its lock listens within milliseconds, or dies. */
const APPEAR_BOUND_MS = 10_000;

/**
 * Finds out, after a start of the agent, how it is with a container. A monitor that lives is answered as a link to it; of
 * one that was killed the processes are killed too and an exit is recorded: a container without its monitor has no log
 * and no exit code. What was asked for and not begun is taken back.
 *
 * @throws {Error} if a monitor holds the lock and never listens
 */
export async function findContainer(options: TakeoverOptions): Promise<Found> {
  const { directory } = options;
  const known = await look(options);
  if (known) return known;
  // Only now: a machine has few watchers (128 for a user of Linux), and hardly ever is one needed.
  const watcher = Deno.watchFs(directory, { recursive: false });
  const timer = setTimeout(() => watcher.close(), APPEAR_BOUND_MS);
  try {
    const now = await look(options);
    if (now) return now;
    for await (const _ of watcher) {
      const found = await look(options);
      if (found) return found;
    }
  } finally {
    clearTimeout(timer);
    close(watcher);
  }
  throw new Error(`Monitor in ${directory} holds its lock but has not listened for ${APPEAR_BOUND_MS} ms`);
}

/** Undefined while a monitor has the lock and does not listen (yet, or any more). */
async function look(options: TakeoverOptions): Promise<Found | undefined> {
  const { directory } = options;
  const exit = readRecord<ExitRecord>(`${directory}/${EXIT_FILE}`);
  if (exit) return { kind: "exited", exit };
  const link = await MonitorLink.connect(directory);
  if (link) return { kind: "running", link };
  using lock = await Deno.open(`${directory}/${LOCK_FILE}`, { write: true, create: true, mode: 0o600 });
  if (!await lock.tryLock(true)) return undefined;
  // It may have ended between the first look and the lock.
  const ended = readRecord<ExitRecord>(`${directory}/${EXIT_FILE}`);
  if (ended) return { kind: "exited", exit: ended };
  // Under the lock nothing begins: a monitor on its way here will find nothing to do.
  removeIfExists(`${directory}/${START_FILE}`);
  const begun = readIfExists(`${directory}/${STARTING_FILE}`) !== undefined;
  return begun ? { kind: "exited", exit: await finish(options) } : { kind: "created" };
}

/** Waits until the monitor of a link that broke has died, and answers how the container ended. */
export async function takeOver(options: TakeoverOptions): Promise<ExitRecord> {
  const { directory } = options;
  const path = `${directory}/${EXIT_FILE}`;
  const exit = readRecord<ExitRecord>(path);
  if (exit) return exit;
  using lock = await Deno.open(`${directory}/${LOCK_FILE}`, { write: true, create: true, mode: 0o600 });
  await lock.lock(true);
  return readRecord<ExitRecord>(path) ?? await finish(options);
}

/** Under the lock: ends what the dead monitor left. */
async function finish({ containerId, directory, os, nowNs, problem }: TakeoverOptions): Promise<ExitRecord> {
  const started = readRecord<StartedRecord>(`${directory}/${STARTED_FILE}`);
  const marker = `${CONTAINER_VARIABLE}=${containerId}`;
  const same = started && os.startToken(started.pid) === started.startToken;
  const notes = [
    "Monitor of the container is gone (it was killed, or the machine was restarted): its processes were killed",
  ];
  try {
    await os.killAll(same ? { leader: started.pid, marker } : { marker });
  } catch (error) {
    notes.push((error as Error).message);
  }
  const own = monitorError(directory);
  if (own) notes.push(own);
  const exit: ExitRecord = {
    version: 1,
    finishedAtNs: String(nowNs()),
    ...(problem !== undefined && !started
      ? { exitCode: 128, signal: null, reason: "StartError", message: problem }
      : { exitCode: 137, signal: "SIGKILL", reason: "MonitorLost", message: notes.join(". ") }),
    logEnd: repairSpool(`${directory}/${LOG_DIRECTORY}`),
    logRecordsDropped: 0,
  };
  try {
    writeExitRecord(directory, exit);
  } catch (error) {
    if (!isDiskProblem(error)) throw error;
    // It is told all the same, and found out anew should the agent be started again.
    logger.error("End of container {containerId} cannot be recorded: {error}", { containerId, error });
  }
  removeIfExists(`${directory}/${SOCKET_FILE}`);
  return exit;
}

function close(watcher: Deno.FsWatcher): void {
  try {
    watcher.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
