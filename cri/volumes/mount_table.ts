// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { readFile, realpath } from "node:fs/promises";
import { untilAborted } from "../../lib/deadline.ts";

/** The file system that holds a path. */
export interface FileSystem {
  /** `ext4`, `nfs4`, `tmpfs` … */
  readonly type: string;
  /** A device, an export, or a word. */
  readonly source: string;
  readonly mountPoint: string;
  /** The path itself is where it is mounted. */
  readonly isMountPoint: boolean;
}

/** The file system at a path of this node, following links. Undefined where there is no table of mounts. */
export async function fileSystemAt(path: string, signal: AbortSignal): Promise<FileSystem | undefined> {
  const real = await untilAborted(realpath(path), signal);
  let table: string;
  try {
    table = await readFile("/proc/self/mountinfo", { encoding: "utf8", signal });
  } catch (error) {
    signal.throwIfAborted();
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
  return findFileSystem(table, real);
}

/** {@linkcode fileSystemAt} for a table in the format of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function findFileSystem(table: string, path: string): FileSystem | undefined {
  let found: FileSystem | undefined;
  for (const line of table.split("\n")) {
    const [before, after] = line.split(" - ");
    const mountPoint = unescapePath(before?.split(" ")[4] ?? "");
    const [type, source] = after?.split(" ") ?? [];
    if (type === undefined || source === undefined || !contains(mountPoint, path)) continue;
    // Of two mounts at one place the later one hides the other.
    if (found && mountPoint.length < found.mountPoint.length) continue;
    found = { type, source: unescapePath(source), mountPoint, isMountPoint: mountPoint === path };
  }
  return found;
}

function contains(folder: string, path: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** Space, tab, line feed and backslash stand in the table as three octal digits. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
