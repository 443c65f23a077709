// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Os } from "../os/os.ts";
import { SpoolWriter } from "../spool/writer.ts";
import { spawnCommand } from "./command.ts";
import { noteError } from "./error_file.ts";
import { reserveExitRecord, writeExitRecord } from "./exit_record.ts";
import { Framer } from "./framer.ts";
import { RecordLog } from "./record_log.ts";
import {
  type ExitRecord,
  LOG_DIRECTORY,
  type MonitorCommand,
  type MonitorEvent,
  START_FILE,
  STARTED_FILE,
  type StartedRecord,
  STARTING_FILE,
  type StartRecord,
  writeRecord,
} from "./spec.ts";
import { formatStamp, Stamp } from "./stamp.ts";

/** Once all of the container's processes are dead, only a process that hid can hold the pipes: it is not waited for. */
const DRAIN_BOUND_MS = 2_000;
const READ_BYTES = 64 * 1024;

/** @see Monitor */
export interface MonitorOptions {
  readonly record: StartRecord;
  readonly os: Os;
  /** Something of {@linkcode Monitor.state} changed. */
  readonly onchange: () => void;
}

type Outcome = Pick<ExitRecord, "exitCode" | "signal" | "reason" | "message">;

/**
 * One container's process from start to end: makes it, writes its log, notes how it ended. Works in the current
 * directory, which is the container's.
 */
export class Monitor {
  readonly #record: StartRecord;
  readonly #os: Os;
  readonly #onchange: () => void;
  readonly #stamp = new Stamp();
  readonly #writer: SpoolWriter;
  readonly #log: RecordLog;
  #child: Deno.ChildProcess | undefined;
  #started: StartedRecord | undefined;
  #exit: ExitRecord | undefined;
  #dead = false;

  constructor({ record, os, onchange }: MonitorOptions) {
    this.#record = record;
    this.#os = os;
    this.#onchange = onchange;
    Deno.mkdirSync(LOG_DIRECTORY, { recursive: true, mode: 0o700 });
    this.#writer = new SpoolWriter(LOG_DIRECTORY, { limit: record.logLimit });
    this.#log = new RecordLog(this.#writer, () => this.#now());
  }

  state(): MonitorEvent {
    return {
      end: this.#writer.end,
      dropped: this.#log.dropped,
      ...(this.#started && { started: this.#started }),
      ...(this.#exit && { exit: this.#exit }),
    };
  }

  /** Makes the process. If it cannot be made, the container has ended with `StartError`, and false is answered. */
  start(): boolean {
    reserveExitRecord(".");
    Deno.renameSync(START_FILE, STARTING_FILE);
    try {
      this.#child = spawnCommand(this.#record);
    } catch (error) {
      this.#finish({ exitCode: 128, signal: null, reason: "StartError", message: (error as Error).message });
      return false;
    }
    const { pid } = this.#child;
    const startedAtNs = String(this.#stamp.nowNs());
    // A process that has ended already has no token: it need not be found again either.
    this.#started = {
      version: 1,
      pid,
      startedAtNs,
      startToken: this.#os.startToken(pid) ?? "",
      monitor: Deno.pid,
    };
    writeRecord(STARTED_FILE, this.#started);
    this.#onchange();
    return true;
  }

  /** Resolves when the process has ended, nothing of the container is left, and log and exit record are complete. */
  async run(): Promise<void> {
    const child = this.#child!;
    const stdout = new Framer("stdout", this.#log);
    const stderr = new Framer("stderr", this.#log);
    const readers = [
      child.stdout.getReader({ mode: "byob" }),
      child.stderr.getReader({ mode: "byob" }),
    ] as const;
    const drained = Promise.all([this.#pump(readers[0], stdout), this.#pump(readers[1], stderr)]);
    const status = await child.status;
    this.#dead = true;
    const finishedAtNs = this.#stamp.nowNs();
    const problem = await this.#killRest(child.pid);
    const timer = setTimeout(() => readers.forEach((reader) => void reader.cancel()), DRAIN_BOUND_MS);
    await drained;
    clearTimeout(timer);
    stdout.end(this.#now());
    stderr.end(this.#now());
    const reason = status.code === 0 ? "Completed" : "Error";
    this.#finish({ exitCode: status.code, signal: status.signal, reason, message: problem }, finishedAtNs);
  }

  command({ signal, all }: MonitorCommand): void {
    const child = this.#child;
    // After its end the number may be another process's.
    if (!child || this.#dead) return;
    if (all) this.#os.killGroup(child.pid);
    else this.#os.signal(child.pid, signal).catch((error) => noteError(error));
  }

  async #pump(reader: ReadableStreamBYOBReader, framer: Framer): Promise<void> {
    let buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { done, value } = await reader.read(buffer);
      if (done || !value) return;
      framer.push(value, this.#now());
      this.#onchange();
      buffer = new Uint8Array(value.buffer);
    }
  }

  /** What the container's own process left behind. Answers what a person should know of it. */
  async #killRest(leader: number): Promise<string> {
    try {
      await this.#os.killAll({ leader, marker: this.#record.marker });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  #finish(outcome: Outcome, finishedAtNs = this.#stamp.nowNs()): void {
    this.#log.end();
    this.#exit = {
      version: 1,
      finishedAtNs: String(finishedAtNs),
      ...outcome,
      logEnd: this.#writer.end,
      logRecordsDropped: this.#log.dropped,
    };
    writeExitRecord(".", this.#exit);
    this.#writer[Symbol.dispose]();
    this.#onchange();
  }

  #now(): string {
    return formatStamp(this.#stamp.nowNs());
  }
}
