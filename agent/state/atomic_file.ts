// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { syncDirectory } from "../os/sync_directory.ts";

/** @see writeAtomic */
export interface WriteAtomicOptions {
  /**
   * Also be durable against the death of the machine, not only of the process.
   * @default true
   */
  readonly sync?: boolean;
}

/**
 * Replaces a file as a whole: a reader, or a recovery after a kill at any moment, finds the old or the new content and
 * never a part. Readable by nobody else (0600), because configurations hold secrets.
 *
 * The temporary file is `<path>.new`: one left behind by a kill is overwritten by the next write.
 */
export function writeAtomic(
  path: string,
  content: Uint8Array | string,
  options: WriteAtomicOptions = {},
): void {
  const { sync = true } = options;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const temporary = `${path}.new`;
  {
    using file = Deno.openSync(temporary, { write: true, create: true, truncate: true, mode: 0o600 });
    writeAll(file, bytes);
    if (sync) file.syncDataSync();
  }
  Deno.renameSync(temporary, path);
  if (sync) syncDirectory(directoryOf(path));
}

/** The file's text. Undefined if there is none. */
export function readIfExists(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file. No error if there is none. */
export function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A single write may take only a part. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}
