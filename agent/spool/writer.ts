// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isDiskProblem } from "../os/disk_problem.ts";
import { writeAll } from "../state/atomic_file.ts";
import { listSegments, segmentName } from "./segments.ts";

/** @see SpoolWriter */
export interface SpoolWriterOptions {
  /**
   * Most bytes that may lie on the disk untrimmed.
   * @default 64 MiB
   */
  readonly limit?: number;
  /**
   * Size from which on a new file is begun: whole files are what a reader trims.
   * @default 4 MiB
   */
  readonly segmentBytes?: number;
}

/** Why an append was refused. Nothing of it is in the stream. */
export type Refusal = "full" | "disk";

/**
 * The writing end of a spool. One process writes, another reads and deletes files whose bytes it needs no more; the
 * files themselves are all that the two share, so that neither needs the other to live.
 *
 * Writes are synchronous on purpose: the process that writes does nothing else, and its own memory stays bounded.
 */
export class SpoolWriter implements Disposable {
  readonly limit: number;
  readonly #directory: string;
  readonly #segmentBytes: number;
  #file: Deno.FsFile | undefined;
  #segmentStart = 0;
  #start = 0;
  #end = 0;

  constructor(directory: string, options: SpoolWriterOptions = {}) {
    const { limit = 64 * 1024 * 1024, segmentBytes = 4 * 1024 * 1024 } = options;
    this.#directory = directory;
    this.limit = limit;
    // Trimming frees whole files: with fewer than two, a full spool could never be written to again.
    this.#segmentBytes = Math.max(1, Math.min(segmentBytes, Math.floor(limit / 2)));
  }

  /** Offset behind the last byte of the stream. */
  get end(): number {
    return this.#end;
  }

  /**
   * Appends whole records, all parts or nothing.
   *
   * @param overdraft bytes by which this append may exceed the limit
   * @returns why they were refused, undefined if they are in the stream
   */
  append(parts: readonly Uint8Array[], overdraft = 0): Refusal | undefined {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (!this.#hasRoom(length, overdraft)) return "full";
    try {
      const file = this.#segment();
      for (const part of parts) writeAll(file, part);
    } catch (error) {
      if (!isDiskProblem(error)) throw error;
      this.#undo();
      return "disk";
    }
    this.#end += length;
    return undefined;
  }

  /** Bytes that may be appended now. Looks what the reader has deleted. */
  room(): number {
    this.#start = listSegments(this.#directory)[0]?.start ?? this.#end;
    return this.limit - (this.#end - this.#start);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #hasRoom(bytes: number, overdraft: number): boolean {
    // Only a spool that looks full asks the file system.
    return this.#end + bytes - this.#start <= this.limit + overdraft || bytes <= this.room() + overdraft;
  }

  #segment(): Deno.FsFile {
    if (this.#file && this.#end - this.#segmentStart < this.#segmentBytes) return this.#file;
    const path = `${this.#directory}/${segmentName(this.#end)}`;
    const file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 });
    this.#file?.close();
    this.#file = file;
    this.#segmentStart = this.#end;
    return file;
  }

  /** Takes back what a failed append left in the file. */
  #undo(): void {
    if (!this.#file) return;
    const size = this.#end - this.#segmentStart;
    this.#file.truncateSync(size);
    this.#file.seekSync(size, Deno.SeekMode.Start);
  }
}
