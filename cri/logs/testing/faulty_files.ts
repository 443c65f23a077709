// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { type LogFile, type LogFiles, systemLogFiles } from "../log_files.ts";

/** The machine's files on a disk that can be full, or refuse single operations. */
export class FaultyFiles implements LogFiles {
  /** Bytes that still fit. */
  free = Infinity;
  /** Called before each operation; what it throws is the operation's error. */
  before: (operation: string, path: string) => void = () => {};
  openFiles = 0;
  syncs = 0;

  async open(path: string, mode: "existing" | "new" | "any"): Promise<LogFile> {
    this.before("open", path);
    const file = await systemLogFiles.open(path, mode);
    this.openFiles++;
    return {
      write: (bytes) => this.#write(path, file, bytes),
      state: () => file.state(),
      tail: (length) => file.tail(length),
      sync: async () => {
        this.before("sync", path);
        this.syncs++;
        await file.sync();
      },
      close: () => {
        this.openFiles--;
        file.close();
      },
    };
  }

  async state(path: string) {
    this.before("state", path);
    return await systemLogFiles.state(path);
  }

  rotated(path: string) {
    return systemLogFiles.rotated(path);
  }

  async link(path: string, newPath: string) {
    this.before("link", newPath);
    return await systemLogFiles.link(path, newPath);
  }

  async remove(path: string) {
    this.before("remove", path);
    return await systemLogFiles.remove(path);
  }

  async #write(path: string, file: LogFile, bytes: Uint8Array): Promise<number> {
    this.before("write", path);
    if (this.free === 0) throw noSpace();
    // As write(2) does when the disk fills up: what fits is written.
    const count = await file.write(bytes.subarray(0, Math.min(bytes.length, this.free)));
    this.free -= count;
    return count;
  }
}

/** What Deno throws when the disk is full. */
export function noSpace(): Error {
  return Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
}
