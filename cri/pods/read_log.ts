// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { dirname } from "node:path";
import { type LogRecord, LogRecords } from "./log_record.ts";

const CHUNK_BYTES = 64 * 1024;

export interface ReadLogOptions {
  /** Only the last lines; undefined for all. */
  readonly tail?: number | undefined;
  readonly timestamps: boolean;
  /** Go on until `ended`. */
  readonly follow: boolean;
  /** Resolves when the container has ended and its log is complete. */
  readonly ended: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * What a container has written, without the marks of the log file, in chunks. A file that is not there (yet) is an empty
 * one. Waits for the file system to tell of changes; does not poll.
 */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
  const { tail, timestamps, follow, ended, signal } = options;
  // Watching begins before reading, so that nothing falls between the two.
  using watch = follow ? new FileWatch(path, ended, signal) : undefined;
  const position = tail === undefined ? 0 : await tailOffset(path, tail);
  const reader = new Reader(path, position, timestamps);
  for (;;) {
    const last = !watch || watch.ended;
    yield* reader.read(signal);
    if (last) return;
    await watch.changed();
  }
}

/** Reads from where it was, one record after the other. */
class Reader {
  readonly #path: string;
  readonly #timestamps: boolean;
  readonly #records = new LogRecords();
  #position: number;
  #lineBegins = true;

  constructor(path: string, position: number, timestamps: boolean) {
    this.#path = path;
    this.#position = position;
    this.#timestamps = timestamps;
  }

  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunksOf(this.#path, this.#position)) {
      signal.throwIfAborted();
      this.#position += chunk.byteLength;
      const parts = [...this.#records.push(chunk)].flatMap((record) => this.#format(record));
      if (parts.length > 0) yield concat(parts);
    }
  }

  #format({ time, content, full }: LogRecord): Uint8Array[] {
    const stamped = this.#timestamps && this.#lineBegins;
    this.#lineBegins = full;
    return stamped ? [time, new Uint8Array([32]), content] : [content];
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Where the last `lines` lines begin. One pass over the file: memory for as many numbers as lines are asked for. */
async function tailOffset(path: string, lines: number): Promise<number> {
  const begins: number[] = [];
  let position = 0;
  let begin = 0;
  const records = new LogRecords();
  for await (const chunk of chunksOf(path, 0)) {
    for (const record of records.push(chunk)) {
      position += lengthOf(record);
      if (!record.full) continue;
      begins.push(begin);
      if (begins.length > lines) begins.shift();
      begin = position;
    }
  }
  return lines === 0 ? begin : begins[0] ?? 0;
}

/** Bytes of a record in the file: time, stream (both names have six letters), tag, three spaces, newline. */
function lengthOf({ time, content, full }: LogRecord): number {
  if (time.byteLength === 0) return content.byteLength;
  return time.byteLength + "stdout".length + 1 + 3 + content.byteLength + (full ? 0 : 1);
}

async function* chunksOf(path: string, from: number): AsyncGenerator<Uint8Array> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  using _ = file;
  await file.seek(from, Deno.SeekMode.Start);
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await file.read(chunk);
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}

/** Tells of changes of a file and of the end of its log. Changes while nobody waits are remembered. */
class FileWatch implements Disposable {
  readonly #watcher: Deno.FsWatcher;
  readonly #signal: AbortSignal;
  readonly #abort = () => this.#wake();
  #pending = false;
  #wakeUp = () => {};
  ended = false;

  constructor(path: string, ended: Promise<unknown>, signal: AbortSignal) {
    // The folder rather than the file: the file may not be there yet.
    this.#watcher = Deno.watchFs(dirname(path), { recursive: false });
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort);
    this.#pump();
    const end = () => {
      this.ended = true;
      this.#wake();
    };
    ended.then(end, end);
  }

  /** Resolves after a change since the last call; rejects with the signal's reason. */
  async changed(): Promise<void> {
    if (!this.#pending && !this.#signal.aborted) {
      await new Promise<void>((resolve) => this.#wakeUp = resolve);
    }
    this.#pending = false;
    this.#signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#watcher.close();
  }

  async #pump(): Promise<void> {
    for await (const _ of this.#watcher) this.#wake();
  }

  #wake(): void {
    this.#pending = true;
    this.#wakeUp();
  }
}
