// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What the agent and a container's monitor leave each other in the container's directory. Each name is a fact:
 *
 *     start.json      the agent asks for the process; taken back only under the lock
 *     starting.json   the same file, renamed by the monitor right before it makes the process: it may exist from here on
 *     started.json    the process runs
 *     exit.json       it ran, or could not be started, and nothing follows
 *     lock            held by the monitor while it lives
 *     monitor.sock    while it lives: events one way, signals the other
 *     monitor.error   what went wrong in the monitor itself
 *     exit.reserve    disk space for exit.json, so that a full disk cannot swallow an exit code
 *     log/            the spool
 * @module
 */
import { readIfExists, writeAtomic } from "../state/atomic_file.ts";

export const START_FILE = "start.json";
export const STARTING_FILE = "starting.json";
export const STARTED_FILE = "started.json";
export const EXIT_FILE = "exit.json";
export const EXIT_RESERVE_FILE = "exit.reserve";
export const LOCK_FILE = "lock";
export const SOCKET_FILE = "monitor.sock";
export const ERROR_FILE = "monitor.error";
export const LOG_DIRECTORY = "log";

/** What a monitor is to run. Holds secrets (environment): the file is readable by its owner only. */
export interface StartRecord {
  readonly version: 1;
  /** At least one. The first is looked up in the PATH of `environment` unless it has a slash. */
  readonly argv: readonly string[];
  /** The whole of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** `NAME=value` of a variable in `environment` that no other container has. */
  readonly marker: string;
  /** Most bytes of log that wait for the node. */
  readonly logLimit: number;
}

export interface StartedRecord {
  readonly version: 1;
  readonly pid: number;
  readonly startedAtNs: string;
  /** See `Os.startToken`. Empty if the process had ended before it was looked at. */
  readonly startToken: string;
  /** Process id of the monitor. */
  readonly monitor: number;
}

export interface ExitRecord {
  readonly version: 1;
  readonly finishedAtNs: string;
  /** 0-255; 128 + signal number for a process that a signal ended. */
  readonly exitCode: number;
  readonly signal: string | null;
  readonly reason: string;
  readonly message: string;
  readonly logEnd: number;
  readonly logRecordsDropped: number;
}

/** Events of a monitor, a JSON text a line. The whole of what is known each time; fields that are not true yet are absent. */
export interface MonitorEvent {
  readonly end: number;
  readonly dropped: number;
  readonly started?: StartedRecord;
  readonly exit?: ExitRecord;
}

/** Command to a monitor, a JSON text a line. */
export interface MonitorCommand {
  /** Signal number of this system. */
  readonly signal: number;
  /** All processes of the container instead of its own process only: SIGKILL. */
  readonly all: boolean;
}

/** A record of the container's directory. Undefined if there is none. */
export function readRecord<T extends { version: 1 }>(path: string): T | undefined {
  const text = readIfExists(path);
  if (text === undefined) return undefined;
  let record: T;
  try {
    record = JSON.parse(text) as T;
  } catch (cause) {
    throw new Error(`Cannot read ${path}: it is not JSON`, { cause });
  }
  if (record.version !== 1) {
    throw new Error(`Cannot read ${path}: it has version ${record.version}, this program knows version 1`);
  }
  return record;
}

/**
 * Durable against the death of the process only: containers do not outlive their machine, and a disk takes milliseconds
 * to sync that each start and each exit would wait for.
 */
export function writeRecord(path: string, record: StartRecord | StartedRecord | ExitRecord): void {
  writeAtomic(path, JSON.stringify(record));
}
