// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { dirname } from "node:path";

export interface WriteOptions {
  /** Permissions of the file, whatever the umask and whatever was there before. @default 0o600 */
  readonly mode?: number;
}

/**
 * Writes a file so that it holds either what it held before or all of `content`, whenever the process or the machine
 * dies; when this resolves it is the latter. The content goes to `<path>.new` first, so a path has one writer at a time.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const { mode = 0o600 } = options;
  const fresh = `${path}.new`;
  try {
    using file = await Deno.open(fresh, { write: true, create: true, truncate: true, mode });
    // A leftover of an earlier death keeps the mode that it had.
    if (Deno.build.os !== "windows") await Deno.chmod(fresh, mode);
    await writeAll(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await file.sync();
  } catch (error) {
    // Best effort: the next write truncates it anyway.
    await Deno.remove(fresh).catch(() => {});
    throw error;
  }
  await Deno.rename(fresh, path);
  await syncDirectory(dirname(path));
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** The new name must be on the disk too. Windows has no such call: NTFS journals it. */
async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  await directory.sync();
}
