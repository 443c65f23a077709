// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const NEWLINE = 10;
const SPACE = 32;
const F = 70;

/** A record of a container's log file (CRI's format), as views into the bytes that it was read from. */
export interface LogRecord {
  readonly time: Uint8Array;
  /** What the container wrote, with the newline that ends its line if this is the last part of one. */
  readonly content: Uint8Array;
  /** Whether the line ends here. */
  readonly full: boolean;
}

/** Cuts complete records out of a stream of bytes; keeps what is not complete for the next call. */
export class LogRecords {
  #pending: Uint8Array = new Uint8Array();

  *push(chunk: Uint8Array): Generator<LogRecord> {
    const bytes = this.#pending.byteLength === 0 ? chunk : concat(this.#pending, chunk);
    let begin = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, begin)) >= 0; begin = end + 1) {
      yield parse(bytes.subarray(begin, end + 1));
    }
    this.#pending = bytes.slice(begin);
  }
}

/** `<time> <stream> <F|P> <content>\n` */
function parse(line: Uint8Array): LogRecord {
  const afterTime = line.indexOf(SPACE);
  const afterStream = line.indexOf(SPACE, afterTime + 1);
  const afterTag = line.indexOf(SPACE, afterStream + 1);
  // A line that is no record is shown as it is rather than hidden.
  if (afterTime < 0 || afterStream < 0 || afterTag < 0) {
    return { time: new Uint8Array(), content: line, full: true };
  }
  const full = line[afterStream + 1] === F;
  return {
    time: line.subarray(0, afterTime),
    content: line.subarray(afterTag + 1, full ? line.byteLength : line.byteLength - 1),
    full,
  };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
