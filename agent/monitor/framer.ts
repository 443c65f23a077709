// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

export type StreamName = "stdout" | "stderr";

/** Bytes of a line that one record holds at most; a longer line becomes several records with tag P and a last one with F. */
export const MAX_RECORD_TEXT = 16 * 1024;

/** `<30 of time> <6 of stream> <P|F> `: the same width for both streams. */
export const HEAD_BYTES = 40;
const TAG_AT = HEAD_BYTES - 2;
const NEWLINE = 10;
const TAG_FULL = 0x46;
const TAG_PART = 0x50;

/** Whole records of one stream on their way into the log. */
export interface Batch {
  readonly stream: StreamName;
  /** Valid only during the call. */
  readonly bytes: Uint8Array;
  readonly records: number;
  /** The last record is a P: its line goes on. */
  readonly open: boolean;
}

/** Where records go. */
export interface RecordSink {
  /** Takes a batch as a whole or not at all. False if none of it is in the log: it is the sink that counts it. */
  append(batch: Batch): boolean;
  /** A record that was not even offered, because the beginning of its line was refused. */
  skipped(): void;
}

const encoder = new TextEncoder();

/**
 * Cuts what a process writes to one stream into CRI log records, the form that the kubelet reads:
 * `2026-11-21T07:00:00.123456789Z stdout F hello\n`.
 *
 * Holds at most one unfinished line of 16 KiB and one batch. All records that arrive in one read carry one time: they
 * were there at once. What the sink refuses is gone, and so is the rest of a line whose beginning is gone.
 */
export class Framer {
  readonly stream: StreamName;
  readonly #sink: RecordSink;
  readonly #batch: Uint8Array;
  #filled = 0;
  #records = 0;
  #open = false;
  readonly #line = new Uint8Array(MAX_RECORD_TEXT);
  #lineFilled = 0;
  #skipping = false;

  constructor(stream: StreamName, sink: RecordSink, batchBytes = 128 * 1024) {
    if (batchBytes < HEAD_BYTES + MAX_RECORD_TEXT + 1) {
      throw new RangeError(`Batch of ${batchBytes} bytes cannot hold one record of ${MAX_RECORD_TEXT}`);
    }
    this.stream = stream;
    this.#sink = sink;
    this.#batch = new Uint8Array(batchBytes);
  }

  /** Bytes that the process wrote, at the time `stamp` (30 characters). */
  push(chunk: Uint8Array, stamp: string): void {
    const head = this.#head(stamp);
    for (let at = 0; at < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline < 0 ? chunk.length : newline;
      while (this.#lineFilled + end - at > MAX_RECORD_TEXT) {
        const part = chunk.subarray(at, at + MAX_RECORD_TEXT - this.#lineFilled);
        this.#record(head, part, TAG_PART);
        at += part.length;
      }
      const rest = chunk.subarray(at, end);
      if (newline < 0) this.#keep(rest);
      else this.#record(head, rest, TAG_FULL);
      at = end + 1;
    }
    this.#flush();
  }

  /** The stream ended: a last line without its newline becomes a whole record. */
  end(stamp: string): void {
    if (this.#lineFilled > 0) this.#record(this.#head(stamp), new Uint8Array(), TAG_FULL);
    this.#flush();
  }

  #head(stamp: string): Uint8Array {
    return encoder.encode(`${stamp} ${this.stream} F `);
  }

  #keep(text: Uint8Array): void {
    this.#line.set(text, this.#lineFilled);
    this.#lineFilled += text.length;
  }

  /** One record: what was kept of the line, then `text`. */
  #record(head: Uint8Array, text: Uint8Array, tag: number): void {
    const kept = this.#lineFilled;
    if (this.#filled + HEAD_BYTES + kept + text.length + 1 > this.#batch.length) this.#flush();
    this.#lineFilled = 0;
    if (this.#skipping) {
      this.#skipping = tag === TAG_PART;
      return this.#sink.skipped();
    }
    const batch = this.#batch;
    let at = this.#filled;
    batch.set(head, at);
    batch[at + TAG_AT] = tag;
    at += HEAD_BYTES;
    if (kept > 0) batch.set(this.#line.subarray(0, kept), at);
    at += kept;
    batch.set(text, at);
    at += text.length;
    batch[at] = NEWLINE;
    this.#filled = at + 1;
    this.#records += 1;
    this.#open = tag === TAG_PART;
  }

  #flush(): void {
    if (this.#records === 0) return;
    const bytes = this.#batch.subarray(0, this.#filled);
    const kept = this.#sink.append({ stream: this.stream, bytes, records: this.#records, open: this.#open });
    if (!kept) this.#skipping = this.#open;
    this.#filled = 0;
    this.#records = 0;
  }
}
