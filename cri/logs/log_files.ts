// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { dirname, join } from "node:path";

/** What stays the same when a file is renamed. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

export interface FileState extends FileIdentity {
  readonly size: number;
}

/** A file that is open for appending. */
export interface LogFile {
  /** Appends some of the bytes and answers how many, as write(2) does. */
  write(bytes: Uint8Array): Promise<number>;
  state(): Promise<FileState>;
  /** The last bytes, at most `length`. */
  tail(length: number): Promise<Uint8Array>;
  /** fdatasync(2). */
  sync(): Promise<void>;
  close(): void;
}

/** The part of the file system that logs need, as an argument, so that tests can fill the disk. */
export interface LogFiles {
  /**
   * @param mode `existing` throws if there is none, `new` throws if there is one, `any` makes it if need be, with its
   * folders
   */
  open(path: string, mode: "existing" | "new" | "any"): Promise<LogFile>;
  state(path: string): Promise<FileState | undefined>;
  /** Paths of the files beside `path` whose names begin with its name and a dot. */
  rotated(path: string): Promise<string[]>;
  /** A second name for a file. Throws if the name is taken: it never replaces. */
  link(path: string, newPath: string): Promise<void>;
  /** A file that does not exist is no error. */
  remove(path: string): Promise<void>;
}

export function sameFile(a: FileIdentity | undefined, b: FileIdentity): boolean {
  return a !== undefined && a.device === b.device && a.inode === b.inode;
}

/** The machine's file system. */
export const systemLogFiles: LogFiles = {
  async open(path, mode) {
    if (mode === "any") await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const file = await Deno.open(path, {
      read: true,
      append: true,
      create: mode === "any",
      createNew: mode === "new",
      mode: 0o640,
    });
    return new SystemLogFile(file);
  },
  async state(path) {
    try {
      return toState(await Deno.stat(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  async rotated(path) {
    const folder = dirname(path);
    const prefix = path.slice(folder.length).replace(/^\//, "") + ".";
    const found: string[] = [];
    try {
      for await (const entry of Deno.readDir(folder)) {
        if (entry.isFile && entry.name.startsWith(prefix)) found.push(join(folder, entry.name));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return found;
  },
  link: (path, newPath) => Deno.link(path, newPath),
  async remove(path) {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
};

class SystemLogFile implements LogFile {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#file.write(bytes);
  }

  async state(): Promise<FileState> {
    return toState(await this.#file.stat());
  }

  async tail(length: number): Promise<Uint8Array> {
    const { size } = await this.#file.stat();
    const wanted = Math.min(length, size);
    const bytes = new Uint8Array(wanted);
    // Reading moves a position that appending does not use.
    await this.#file.seek(size - wanted, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < wanted) {
      const count = await this.#file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  sync(): Promise<void> {
    return this.#file.syncData();
  }

  close(): void {
    this.#file.close();
  }
}

function toState(info: Deno.FileInfo): FileState {
  return { device: info.dev, inode: info.ino ?? 0, size: info.size };
}
