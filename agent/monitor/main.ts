// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * `vmserver monitor DIR`: parent of one container's process. It imports next to nothing, because there is one for each
 * container and a container's start waits for it. Never called by people: the agent makes it.
 * @module
 */
import { loadOs } from "../os/mod.ts";
import type { Os } from "../os/os.ts";
import { noteError } from "./error_file.ts";
import { EventServer } from "./event_server.ts";
import { Monitor } from "./monitor.ts";
import { LOCK_FILE, readRecord, SOCKET_FILE, START_FILE, type StartRecord } from "./spec.ts";

/** 0: the container has ended and everything about it is on the disk. */
export const EXIT_DONE = 0;
/** The monitor failed; `monitor.error` says how. The agent cleans up. */
export const EXIT_FAILED = 1;
/** Another monitor has this container. */
export const EXIT_LOCKED = 3;
/** Nobody asks for a start (any more). */
export const EXIT_NOTHING_TO_DO = 4;

/** Runs a container's process to its end. Answers the exit code of the monitor. */
export async function monitorMain(directory: string): Promise<number> {
  Deno.chdir(directory);
  using lock = await Deno.open(LOCK_FILE, { write: true, create: true, mode: 0o600 });
  if (!await lock.tryLock(true)) return EXIT_LOCKED;
  const record = readRecord<StartRecord>(START_FILE);
  if (!record) return EXIT_NOTHING_TO_DO;
  try {
    await monitor(record);
    return EXIT_DONE;
  } catch (error) {
    noteError(error);
    return EXIT_FAILED;
  }
}

async function monitor(record: StartRecord): Promise<void> {
  const os = await loadOs();
  outliveSignals(os);
  const monitor = new Monitor({ record, os, onchange: () => events.changed() });
  const events: EventServer = new EventServer(SOCKET_FILE, {
    state: () => monitor.state(),
    oncommand: (command) => monitor.command(command),
  });
  const running = monitor.start();
  tellParent(JSON.stringify(monitor.state()));
  if (running) await monitor.run();
  await events.close();
}

/** What is meant for the agent, or for everybody at a shutdown, is not meant for us: the container decides when we end. */
function outliveSignals({ endSignals }: Os): void {
  for (const signal of endSignals) Deno.addSignalListener(signal, () => {});
}

/** The agent that made us waits for this line; another one asks the socket. */
function tellParent(line: string): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
    Deno.stdout.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

// The agent begins here when it is run from its sources: `main.ts` would bring the whole agent's module graph along.
if (import.meta.main) Deno.exit(await monitorMain(Deno.args[0]!));
