// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { LogSource } from "./log_source.ts";
import { listSegments, type Segment } from "./segments.ts";

/** Fits into one frame of the link together with its message's other fields. */
const CHUNK_BYTES = 60 * 1024;

/**
 * The reading end of a spool. Where the stream ends and whether more comes is told to it (`advance`, `complete`): it
 * never asks the file system, and never sees a record that is half written.
 */
export class SpoolReader implements LogSource {
  readonly #directory: string;
  #end = 0;
  #start: number;
  #complete = false;
  #removed = false;
  #changed = Promise.withResolvers<void>();

  constructor(directory: string) {
    this.#directory = directory;
    this.#start = listSegments(directory)[0]?.start ?? 0;
  }

  get end(): number {
    return this.#end;
  }

  get start(): number {
    return this.#start;
  }

  /** The stream reaches to `end` now. */
  advance(end: number): void {
    if (end <= this.#end) return;
    this.#end = end;
    this.#wake();
  }

  /** Nothing comes any more. `end` is where the stream ends. */
  complete(end: number): void {
    this.#end = end;
    // Files that were trimmed by an earlier run of the agent are gone for good.
    this.#start = listSegments(this.#directory)[0]?.start ?? end;
    this.#complete = true;
    this.#wake();
  }

  /** The container is being removed: whoever still reads is told so. */
  remove(): void {
    this.#removed = true;
    this.#wake();
  }

  async *read(offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    using cursor = new Cursor(this.#directory);
    for (let at = offset;;) {
      signal.throwIfAborted();
      this.#check(at);
      if (at < this.#end) {
        const chunk = cursor.read(at, Math.min(CHUNK_BYTES, this.#end - at));
        at += chunk.length;
        yield chunk;
      } else if (this.#complete) {
        return;
      } else {
        await this.#wait(signal);
      }
    }
  }

  trim(durableOffset: number): Promise<void> {
    const segments = listSegments(this.#directory);
    segments.forEach(({ name }, index) => {
      const next = segments[index + 1];
      // The last file is still written to, unless the stream is complete.
      const end = next ? next.start : this.#complete ? this.#end : Infinity;
      if (end > durableOffset) return;
      Deno.removeSync(`${this.#directory}/${name}`);
      this.#start = end;
    });
    return Promise.resolve();
  }

  #check(offset: number): void {
    if (this.#removed) throw new RangeError("Log is gone: its container was removed");
    if (offset < this.#start) {
      throw new RangeError(
        `Log offset ${offset} was trimmed: the first byte that is still there is ${this.#start}`,
      );
    }
    if (this.#complete && offset > this.#end) {
      throw new RangeError(`Log offset ${offset} lies behind the end of the log, which is ${this.#end}`);
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const stop = () => aborted.resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await Promise.race([this.#changed.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

/** One reader's open file. */
class Cursor implements Disposable {
  readonly #directory: string;
  #segment: Segment | undefined;
  #file: Deno.FsFile | undefined;
  #position = 0;
  /** One for all reads: a fresh one each time costs five times what the read does. */
  readonly #buffer = new Uint8Array(CHUNK_BYTES);

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Up to `length` bytes from `offset` on, at least one. Valid until the next read. */
  read(offset: number, length: number): Uint8Array {
    const part = this.#buffer.subarray(0, length);
    if (!this.#file || this.#position !== offset) this.#open(offset);
    // Synchronous: these bytes were written a moment ago and are in memory. A turn through a thread takes ten times as long.
    let count = this.#file!.readSync(part);
    if (count === null) {
      // The file was the last one when it was opened, and has a successor now.
      this.#open(offset);
      count = this.#file!.readSync(part);
    }
    if (count === null) {
      throw new Error(`Log has a hole: file ${this.#segment?.name} ends before offset ${offset}`);
    }
    this.#position = offset + count;
    return part.subarray(0, count);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(offset: number): void {
    const segment = listSegments(this.#directory).findLast(({ start }) => start <= offset);
    if (!segment) throw new Error(`Log has a hole: no file holds offset ${offset}`);
    if (!this.#file || segment.name !== this.#segment?.name) {
      this[Symbol.dispose]();
      this.#file = Deno.openSync(`${this.#directory}/${segment.name}`, { read: true });
      this.#segment = segment;
    }
    this.#file.seekSync(offset - segment.start, Deno.SeekMode.Start);
    this.#position = offset;
  }
}
