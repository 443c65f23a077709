// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Makes the names in a directory durable: on POSIX systems a rename is a change of the directory, not of the file. A
 * directory cannot be opened as a file on Windows, where the file system's journal keeps names.
 */
export function syncDirectory(path: string): void {
  if (Deno.build.os === "windows") return;
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
}
