// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Refusal, SpoolWriter } from "../spool/writer.ts";
import type { Batch, RecordSink, StreamName } from "./framer.ts";

/** The last record, which says what is missing, may exceed the limit by this. */
const NOTICE_OVERDRAFT = 4 * 1024;
const STREAMS: readonly StreamName[] = ["stdout", "stderr"];
const encoder = new TextEncoder();

/**
 * A container's log with a bound. When it is full, or its disk is, the newest records are dropped and counted; when
 * there is room again, a record on stderr says how many are missing at that place.
 *
 * A reader joins P records of a stream until the next F. So a line of which only the beginning is in the log is ended
 * with an empty F before anything else of that stream follows.
 */
export class RecordLog implements RecordSink {
  readonly #writer: SpoolWriter;
  readonly #stamp: () => string;
  readonly #open: Record<StreamName, boolean> = { stdout: false, stderr: false };
  readonly #broken: Record<StreamName, boolean> = { stdout: false, stderr: false };
  #missing = 0;
  #cause: Refusal = "full";
  #dropped = 0;

  constructor(writer: SpoolWriter, stamp: () => string) {
    this.#writer = writer;
    this.#stamp = stamp;
  }

  /** Records that are not in the log, all in all. */
  get dropped(): number {
    return this.#dropped;
  }

  append(batch: Batch): boolean {
    if (this.#missing > 0 && !this.#isWorthTrying()) return this.#refuse(batch);
    // As one: a notice that fits where the batch does not would stand there again and again.
    const parts = this.#missing > 0 ? [this.#notice(), batch.bytes] : [batch.bytes];
    const refusal = this.#writer.append(parts);
    if (refusal) {
      this.#cause = refusal;
      return this.#refuse(batch);
    }
    if (this.#missing > 0) this.#noticed();
    this.#open[batch.stream] = batch.open;
    return true;
  }

  skipped(): void {
    this.#missing += 1;
    this.#dropped += 1;
  }

  /** Nothing follows: says what is missing at the end. */
  end(): void {
    if (this.#missing > 0) this.#writer.append([this.#notice()], NOTICE_OVERDRAFT);
    this.#missing = 0;
  }

  #refuse(batch: Batch): false {
    this.#missing += batch.records;
    this.#dropped += batch.records;
    this.#broken[batch.stream] = this.#open[batch.stream];
    return false;
  }

  /** Goes on only when there is room for a while: notices between each two lines would push out more than they say. */
  #isWorthTrying(): boolean {
    return this.#cause === "disk" || this.#writer.room() >= this.#writer.limit / 8;
  }

  #noticed(): void {
    for (const stream of STREAMS) {
      if (this.#broken[stream] || stream === "stderr") this.#open[stream] = false;
      this.#broken[stream] = false;
    }
    this.#missing = 0;
  }

  #notice(): Uint8Array {
    const stamp = this.#stamp();
    const ends = STREAMS
      // The notice itself stands on stderr, in the middle of whatever line is unfinished there.
      .filter((stream) => this.#broken[stream] || (stream === "stderr" && this.#open.stderr))
      .map((stream) => `${stamp} ${stream} F \n`);
    const why = this.#cause === "full" ? "the log waiting for the node was full" : "the disk was full";
    return encoder.encode(
      `${ends.join("")}${stamp} stderr F infranetes: ${this.#missing} log records are missing here: ${why}\n`,
    );
  }
}
