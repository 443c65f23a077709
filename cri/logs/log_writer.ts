// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { untilAborted } from "../../lib/deadline.ts";
import { type LogFile, type LogFiles, sameFile } from "./log_files.ts";
import { LogOutage } from "./log_outage.ts";
import { type LogPlace, openLogPlace } from "./log_place.ts";
import { cannotReopen, makeLogFile } from "./new_log_file.ts";

const logger = getLogger(["infranetes", "logs"]);

/** Between two attempts to write to a file that refuses (disk full). */
const RETRY_MS = 1000;

const LINE_FEED = 10;
const EMPTY = new Uint8Array();

/** Where one container's log records go. */
export interface LogSink extends AsyncDisposable {
  /** Nothing is kept: where the stream goes on after a restart does not matter. */
  readonly discards: boolean;
  /** Offset in the stream of the next byte to append. */
  readonly position: number;
  /** The start of a record with which the file ends. Empty but after a crash in the middle of a write. */
  readonly begun: Uint8Array;
  /** Appends all of it, however long the disk is full. Rejects with the signal's reason, having appended a part. */
  append(records: Uint8Array, signal: AbortSignal): Promise<void>;
  /** What would come next is gone: the stream goes on at `position`, which lies ahead. */
  skip(position: number): Promise<void>;
  /** @throws {UnavailableError} having changed nothing */
  reopen(signal: AbortSignal): Promise<void>;
  /** Makes durable what was appended before the call, and answers up to where. */
  sync(): Promise<number>;
}

export interface LogWriterOptions {
  readonly containerId: string;
  /** Absolute, on this node: what the kubelet reads. */
  readonly path: string;
  readonly recorded: LogPlace;
  /** Records the fact. Durable against the death of this process when it returns. */
  readonly record: (place: LogPlace) => void;
  readonly files: LogFiles;
  readonly clock: Clock;
  /** Told of each failed write, for the metric. */
  readonly onfull?: () => void;
}

/** The log file of one container: the only one who writes to it. Everything that touches the file goes one after another. */
export class LogWriter implements LogSink {
  readonly discards = false;
  readonly #options: LogWriterOptions;
  #file: LogFile;
  #place: LogPlace;
  #position: number;
  #begun: Uint8Array;
  #durable = 0;
  /** Accepted and not written yet. Ends with a whole record. */
  #rest: Uint8Array = EMPTY;
  readonly #outage: LogOutage;
  #turn: Promise<unknown> = Promise.resolve();
  #syncing: Promise<number> | undefined;
  #boundary = Promise.withResolvers<void>();
  /** What the fact should say and does not, because it could not be recorded. */
  #unrecorded: LogPlace | undefined;
  #closed = false;

  private constructor(options: LogWriterOptions, opened: Awaited<ReturnType<typeof openLogPlace>>) {
    this.#options = options;
    this.#outage = new LogOutage(options);
    this.#file = opened.file;
    this.#place = opened.place;
    this.#position = opened.position;
    this.#begun = opened.begun;
    if (this.#begun.length === 0) this.#boundary.resolve();
  }

  /** Finds the file wherever the facts say it is, or makes it. */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    const { files, path, recorded, containerId } = options;
    const opened = await openLogPlace(files, path, recorded);
    if (opened.lost) {
      logger.warning(
        "Log file of container {containerId} is gone: it begins anew with what its agent still has",
        {
          containerId,
          path,
        },
      );
    }
    try {
      if (opened.changed) options.record(opened.place);
    } catch (error) {
      opened.file.close();
      throw error;
    }
    return new LogWriter(options, opened);
  }

  get position(): number {
    return this.#position;
  }

  get begun(): Uint8Array {
    return this.#begun;
  }

  async append(records: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#rest = records;
    while (this.#rest.length > 0) {
      signal.throwIfAborted();
      const failed = await this.#exclusive(() => this.#writeRest());
      if (failed) await this.#options.clock.sleep(RETRY_MS, signal);
    }
  }

  async skip(position: number): Promise<void> {
    await this.#exclusive(async () => {
      // Half a record will have no other half: its line ends here.
      if (this.#begun.length > 0) await this.#file.write(new Uint8Array([LINE_FEED]));
      this.#ended();
      const { size } = await this.#file.state();
      this.#moveTo({ ...this.#place, base: position - size });
      this.#position = position;
    });
  }

  async reopen(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#exclusive(() => this.#tryReopen())) return;
      // The record's other half has to come from the agent first.
      await untilAborted(this.#boundary.promise, signal);
    }
  }

  sync(): Promise<number> {
    if (this.#closed) return Promise.reject(new Error("Log is closed"));
    this.#syncing ??= this.#exclusive(() => this.#checkSize()).then(() => this.#sync())
      .finally(() => this.#syncing = undefined);
    return this.#syncing;
  }

  /** Whatever is under way on the file ends first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#exclusive(async () => {
      await this.#syncing?.catch(() => {}); // Told to whoever asked for it.
      this.#file.close();
    });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {}); // The caller has the error.
    return turn;
  }

  /** Writes until the rest is gone or the file refuses. Answers the refusal. */
  async #writeRest(until = this.#rest.length): Promise<unknown> {
    const keep = this.#rest.length - until;
    while (this.#rest.length > keep) {
      let count: number;
      try {
        if (this.#unrecorded) this.#moveTo(this.#unrecorded);
        count = await this.#file.write(this.#rest.subarray(0, this.#rest.length - keep));
        if (count === 0) throw new Error("No byte was written");
      } catch (error) {
        this.#outage.failed(error);
        return error;
      }
      this.#wrote(count);
    }
    this.#outage.over();
    return undefined;
  }

  #wrote(count: number): void {
    if (this.#rest[count - 1] === LINE_FEED) this.#ended();
    else {
      if (this.#begun.length === 0) this.#boundary = Promise.withResolvers();
      this.#begun = this.#begunAfter(this.#rest.subarray(0, count));
    }
    this.#position += count;
    this.#rest = this.#rest.subarray(count);
  }

  #ended(): void {
    this.#begun = EMPTY;
    this.#boundary.resolve();
  }

  #begunAfter(written: Uint8Array): Uint8Array {
    const start = written.lastIndexOf(LINE_FEED) + 1;
    return new Uint8Array([...(start > 0 ? EMPTY : this.#begun), ...written.subarray(start)]);
  }

  /** @returns false if the file ends within a record whose rest is not here */
  async #tryReopen(): Promise<boolean> {
    const { files, path } = this.#options;
    const here = await files.state(path);
    const current = await this.#file.state();
    if (sameFile(here, current)) return true;
    if (this.#begun.length > 0) {
      const end = this.#rest.indexOf(LINE_FEED) + 1;
      if (end === 0) return false;
      const failed = await this.#writeRest(end);
      if (failed) throw cannotReopen(path, "its last record could not be completed", failed);
    }
    // The agent deletes what is durable: the old file has to be before the new one can be said to be.
    await this.#sync().catch((cause) => {
      throw cannotReopen(path, "the file so far could not be made durable", cause);
    });
    const old = this.#file;
    if (here) await this.#reopenExisting();
    else await this.#reopenNew();
    old.close();
    return true;
  }

  /** Somebody else has made the file already. */
  async #reopenExisting(): Promise<void> {
    const { files, path } = this.#options;
    const file = await files.open(path, "existing");
    try {
      const { size, device, inode } = await file.state();
      this.#moveTo({ base: this.#position - size, device, inode });
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file = file;
  }

  async #reopenNew(): Promise<void> {
    const { files, path } = this.#options;
    const before = this.#place;
    this.#file = await makeLogFile(files, path, {
      record: ({ device, inode }) => this.#moveTo({ base: this.#position, device, inode }),
      takeBack: () => this.#moveBackTo(before),
    });
  }

  #moveTo(place: LogPlace): void {
    this.#options.record(place);
    this.#place = place;
    this.#unrecorded = undefined;
  }

  /** Nothing is appended before the fact is true again. */
  #moveBackTo(place: LogPlace): void {
    this.#unrecorded = this.#place = place;
    try {
      this.#moveTo(place);
    } catch (error) {
      this.#outage.failed(error);
    }
  }

  /** Somebody has cut the file or written to it: the position would be wrong after a restart. */
  async #checkSize(): Promise<void> {
    const { size } = await this.#file.state();
    if (size === this.#position - this.#place.base) return;
    const { containerId, path } = this.#options;
    logger.warning("Log file of container {containerId} was changed by somebody else", {
      containerId,
      path,
      size,
    });
    this.#moveTo({ ...this.#place, base: this.#position - size });
  }

  async #sync(): Promise<number> {
    const position = this.#position;
    if (position > this.#durable) {
      await this.#file.sync();
      this.#durable = Math.max(this.#durable, position);
    }
    return this.#durable;
  }
}
