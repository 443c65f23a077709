// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const NEWLINE = 0x0a;
/** `2026-11-21T07:00:00.123456789Z stdout F ` */
const HEAD_BYTES = 40;
const NOTICE_REGEXP = /^\S{30} stderr F infranetes: (\d+) log records are missing here/;

/** What is in a log file of lines of one length. */
export class LogTally {
  /** Whole lines of the container's. */
  lines = 0;
  /** Lines that a notice says are missing. */
  counted = 0;
  bytes = 0;
  readonly #recordBytes: number;
  #rest: Uint8Array = new Uint8Array(0);

  private constructor(length: number) {
    this.#recordBytes = HEAD_BYTES + length;
  }

  /**
   * @param length Of a line, with its newline
   * @throws {Error} if something else than such lines and notices is in the file
   */
  static async of(file: string, length: number): Promise<LogTally> {
    const tally = new LogTally(length);
    const { readable } = await Deno.open(file);
    for await (const chunk of readable) tally.#add(chunk);
    if (tally.#rest.length > 0) throw new Error(`${file} ends within a record`);
    return tally;
  }

  #add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE) + 1; end > 0; end = bytes.indexOf(NEWLINE, at) + 1) {
      if (end - at === this.#recordBytes) this.lines += 1;
      else this.#notice(bytes.subarray(at, end));
      at = end;
    }
    this.#rest = bytes.slice(at);
  }

  #notice(record: Uint8Array): void {
    const text = new TextDecoder().decode(record);
    const [, missing] = NOTICE_REGEXP.exec(text) ?? [];
    if (missing === undefined) throw new Error(`Unexpected record in the log: ${text.slice(0, 200)}`);
    this.counted += Number(missing);
  }
}
