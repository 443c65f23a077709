// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { untilAborted } from "../../lib/deadline.ts";
import { FailedPreconditionError } from "../../lib/errors.ts";
import { Code, RpcError } from "../../protocol/status.ts";

/** Largest piece of a log in one answer, so that a message fits into one frame of the link. */
const CHUNK_BYTES = 60 * 1024;

export type StreamName = "stdout" | "stderr";

/** One finished CRI log record: `2026-11-21T07:00:00.123456789Z stdout F text\n`. */
export function logRecord(timeNs: bigint, stream: StreamName, line: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${rfc3339Nano(timeNs)} ${stream} F ${line}\n`);
}

/** Fixed width: 30 characters. */
function rfc3339Nano(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(timeNs % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}

/** A container's log in memory, addressed by offsets since the container's start. Bounded: what does not fit is counted. */
export class FakeLog {
  /** What lies from `#start` to `#end`, and room for more. */
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #dropped = 0;
  #complete = false;
  #changed: PromiseWithResolvers<void> | undefined;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Records that did not fit. */
  get dropped(): number {
    return this.#dropped;
  }

  append(record: Uint8Array): void {
    if (this.#complete) {
      throw new FailedPreconditionError("Cannot write to the log of a container that has exited");
    }
    const used = this.#end - this.#start;
    if (used + record.length > this.#limit) {
      this.#dropped += 1;
      return;
    }
    this.#reserve(used + record.length);
    this.#bytes.set(record, used);
    this.#end += record.length;
    this.#wake();
  }

  /** Nothing more will come. */
  complete(): void {
    this.#complete = true;
    this.#wake();
  }

  /** Forgets what lies before `offset`. */
  trim(offset: number): void {
    if (offset <= this.#start) return;
    const start = Math.min(offset, this.#end);
    this.#bytes = this.#bytes.slice(start - this.#start, this.#end - this.#start);
    this.#start = start;
  }

  /** From `offset` on, following the log until it is complete. OUT_OF_RANGE for what is not there and never will be. */
  async *read(offset: number, signal: AbortSignal): AsyncGenerator<{ offset: bigint; data: Uint8Array }> {
    for (let at = offset;;) {
      signal.throwIfAborted();
      this.#checkRange(at);
      if (at < this.#end) {
        const from = at - this.#start;
        const data = this.#bytes.slice(from, Math.min(from + CHUNK_BYTES, this.#end - this.#start));
        yield { offset: BigInt(at), data };
        at += data.length;
      } else if (this.#complete) return;
      else await this.#change(signal);
    }
  }

  #checkRange(offset: number): void {
    if (offset >= this.#start && (offset <= this.#end || !this.#complete)) return;
    throw new RpcError(
      Code.OUT_OF_RANGE,
      `Log offset ${offset} is not there: the log goes from ${this.#start} to ${this.#end}`,
    );
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, Math.min(this.#limit, this.#bytes.length * 2)));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  #change(signal: AbortSignal): Promise<void> {
    this.#changed ??= Promise.withResolvers<void>();
    return untilAborted(this.#changed.promise, signal);
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}
