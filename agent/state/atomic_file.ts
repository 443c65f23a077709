// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Replaces a file as a whole: a reader, or a recovery after a kill at any moment, finds the old or the new content and
 * never a part. Readable by nobody else (0600), because it may hold secrets.
 *
 * Unlike `writeDurably` of lib it is no safeguard against the death of the machine, and takes no milliseconds: it is for
 * what does not outlive the machine anyway.
 */
export function writeAtomic(path: string, content: string): void {
  const temporary = `${path}.new`;
  {
    using file = Deno.openSync(temporary, { write: true, create: true, truncate: true, mode: 0o600 });
    writeAll(file, new TextEncoder().encode(content));
  }
  Deno.renameSync(temporary, path);
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
