// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * CRI's log format as our agents write it, checked before it reaches a file that the kubelet parses:
 *
 *     2026-11-21T07:00:00.123456789Z stdout F hello\n
 *
 * 30 bytes of time, ` stdout ` or ` stderr `, `F` or `P`, a space, at most 16 KiB of content, a line feed.
 * @module
 */

/** Bytes before the content. */
export const RECORD_HEADER_BYTES = 40;
/** The agent cuts longer lines into `P` fragments of this size. */
export const RECORD_CONTENT_MAX_BYTES = 16 * 1024;
export const RECORD_MAX_BYTES = RECORD_HEADER_BYTES + RECORD_CONTENT_MAX_BYTES + 1;

const LINE_FEED = 10;
const EMPTY = new Uint8Array();
const STDOUT = new TextEncoder().encode(" stdout ");
const STDERR = new TextEncoder().encode(" stderr ");

/** What an agent sent as log records is none. */
export class LogFramingError extends Error {
  override readonly name = "LogFramingError";
}

/**
 * Cuts the byte stream of one log at its record boundaries and checks each record. What it lets through ends with a
 * whole record, so that a file grown by it always does. Holds back at most one record.
 */
export class RecordFramer {
  #held: Uint8Array;
  /** Leading bytes of {@linkcode #held} that are in the file already. */
  #inFile: number;
  #seconds: Uint8Array = EMPTY;

  /** @param begun The start of a record with which the file ends, empty if it ends with a whole record. */
  constructor(begun: Uint8Array = EMPTY) {
    this.#held = begun.slice();
    this.#inFile = begun.length;
  }

  /** Bytes received that are not a whole record yet, without those in the file. */
  get heldBytes(): number {
    return this.#held.length - this.#inFile;
  }

  /** Whether the stream, as far as it came, ends within a record. */
  get midRecord(): boolean {
    return this.#held.length > 0;
  }

  /**
   * The bytes to append after `data` has come: whole records, but for the first one if the file has its beginning.
   * @throws {LogFramingError} if something that is not a record is among them
   */
  push(data: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? data : concatenate(this.#held, data);
    let start = 0;
    for (let end; (end = bytes.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      this.#check(bytes, start, end);
    }
    if (bytes.length - start >= RECORD_MAX_BYTES) {
      throw new LogFramingError(`Log record is longer than ${RECORD_MAX_BYTES} bytes`);
    }
    if (start === 0) {
      this.#held = bytes === data ? data.slice() : bytes;
      return EMPTY;
    }
    const whole = bytes.subarray(this.#inFile, start);
    this.#held = bytes.slice(start);
    this.#inFile = 0;
    return whole;
  }

  #check(bytes: Uint8Array, start: number, end: number): void {
    const content = end - start - RECORD_HEADER_BYTES;
    const problem = content < 0
      ? "is shorter than a record's header"
      : content > RECORD_CONTENT_MAX_BYTES
      ? `holds ${content} bytes, more than ${RECORD_CONTENT_MAX_BYTES}`
      : this.#headerProblem(bytes, start);
    if (problem) throw new LogFramingError(`Log record ${problem}: ${quote(bytes, start, end)}`);
  }

  #headerProblem(bytes: Uint8Array, start: number): string | undefined {
    if (!this.#isTime(bytes, start)) return "does not begin with a time";
    if (!equals(bytes, start + 30, STDOUT) && !equals(bytes, start + 30, STDERR)) return "names no stream";
    const tag = bytes[start + 38];
    if ((tag !== 0x46 && tag !== 0x50) || bytes[start + 39] !== 0x20) return "has no tag F or P";
    return undefined;
  }

  #isTime(bytes: Uint8Array, start: number): boolean {
    if (bytes[start + 19] !== 0x2e || bytes[start + 29] !== 0x5a) return false;
    for (let at = start + 20; at < start + 29; at++) if (!isDigit(bytes[at])) return false;
    // Nearly all records of a busy log share their second with the one before.
    if (this.#seconds.length > 0 && equals(bytes, start, this.#seconds)) return true;
    const seconds = bytes.slice(start, start + 19);
    const text = String.fromCharCode(...seconds);
    // The kubelet's parser refuses a 31st of June too: only what comes back unchanged is a time.
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : NaN;
    if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) return false;
    this.#seconds = seconds;
    return true;
  }
}

/** The start of a record with which `tail` ends: what follows its last line feed. */
export function begunRecord(tail: Uint8Array): Uint8Array {
  return tail.subarray(tail.lastIndexOf(LINE_FEED) + 1);
}

/** Where the first record that begins in `bytes` begins: 0 if `bytes` begins with a header. */
export function firstRecordStart(bytes: Uint8Array): number {
  const header = bytes.subarray(0, RECORD_HEADER_BYTES);
  if (header.length === RECORD_HEADER_BYTES && !header.includes(LINE_FEED)) {
    try {
      new RecordFramer().push(concatenate(header, new Uint8Array([LINE_FEED])));
      return 0;
    } catch (error) {
      if (!(error instanceof LogFramingError)) throw error;
    }
  }
  const end = bytes.indexOf(LINE_FEED);
  return end < 0 ? bytes.length : end + 1;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function equals(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let at = 0; at < wanted.length; at++) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** The beginning of a bad record for a message. It came from a VM: nothing but printable characters is shown. */
function quote(bytes: Uint8Array, start: number, end: number): string {
  const shown = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 60)));
  return `'${shown.replace(/[^ -~]/g, "?")}'`;
}
