// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { LogPlace } from "../log_place.ts";
import { LogWriter } from "../log_writer.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { ManualClock } from "./manual_clock.ts";

/** A log folder of a pod, and what the node has recorded of it. */
export class LogBench implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = join(this.folder, "c", "0.log");
  readonly files = new FaultyFiles();
  readonly clock = new ManualClock();
  place: LogPlace = { base: 0, device: null, inode: null };
  facts = 0;
  failed = 0;
  #writers: LogWriter[] = [];

  async open(): Promise<LogWriter> {
    const writer = await LogWriter.open({
      containerId: "c1",
      path: this.path,
      recorded: this.place,
      record: (place) => {
        this.files.before("record", "");
        this.place = place;
        this.facts++;
      },
      files: this.files,
      clock: this.clock,
      onfull: () => this.failed++,
    });
    this.#writers.push(writer);
    return writer;
  }

  /** What `kill -9` leaves: nothing of the process does anything any more. */
  async crash(writer: LogWriter): Promise<void> {
    this.files.before = () => {
      throw new Error("Killed");
    };
    await writer[Symbol.asyncDispose]();
    this.files.before = () => {};
  }

  names(): string[] {
    return [...Deno.readDirSync(join(this.folder, "c"))].map((entry) => entry.name).sort();
  }

  read(name = "0.log"): string {
    return Deno.readTextFileSync(join(this.folder, "c", name));
  }

  rename(from: string, to: string): void {
    Deno.renameSync(join(this.folder, "c", from), join(this.folder, "c", to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) await writer[Symbol.asyncDispose]();
    assert.equal(this.files.openFiles, 0, "a log file was left open");
    assert.equal(this.clock.sleeping, 0, "somebody still waits");
    Deno.removeSync(this.folder, { recursive: true });
  }
}
