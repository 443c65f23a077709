// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Where a container's log stream is on this node. Facts name the current file by its identity and say at which offset of
 * the stream it begins; how far it is written is its own size. So the position survives any crash without a write a line:
 *
 *     position = base + size of the file with that identity
 *
 * The kubelet rotates: it renames the file and calls ReopenContainerLog. A crash may fall between any two of
 *
 *     rename by the kubelet · new file under a hidden name · fact · new file under its name · hidden name gone
 *
 * and {@linkcode openLogPlace} knows from the identity in the fact which of them happened last.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type FileIdentity, type FileState, type LogFile, type LogFiles, sameFile } from "./log_files.ts";
import { begunRecord, RECORD_MAX_BYTES } from "./record_framer.ts";

/** The facts of a log. */
export interface LogPlace {
  /**
   * Offset in the stream of the file's first byte. Negative if the file held something when the log began: the stream's
   * first byte then comes after that.
   */
  readonly base: number;
  /** Null while the log has no file. */
  readonly device: number | null;
  readonly inode: number | null;
}

export interface OpenedLog {
  readonly file: LogFile;
  readonly place: LogPlace;
  /** Offset in the stream of the next byte to append. */
  readonly position: number;
  /** The place is another than the one recorded: a fact has to be written before the first append. */
  readonly changed: boolean;
  /** The start of a record with which the file ends, if a crash cut it. */
  readonly begun: Uint8Array;
  /** The recorded file is nowhere to be found: what was in it is unknown. */
  readonly lost: boolean;
}

/** The name that a new log file has until its fact is recorded. The kubelet looks for `<name>.*` only. */
export function hiddenPath(path: string): string {
  return join(dirname(path), `.infranetes-${basename(path)}`);
}

/** Opens the file of a log wherever it is now, or makes it at `path`. */
export async function openLogPlace(files: LogFiles, path: string, recorded: LogPlace): Promise<OpenedLog> {
  const identity = identityOf(recorded);
  if (!identity) return await adopt(files, path, 0, false);
  const here = await files.state(path);
  if (sameFile(here, identity)) {
    // Left by a Reopen that was cut before its fact, or after everything but this.
    await files.remove(hiddenPath(path));
    return await resume(files, path, recorded);
  }
  if (sameFile(await files.state(hiddenPath(path)), identity)) {
    return await finishReopen(files, path, recorded, here);
  }
  for (const rotated of await files.rotated(path)) {
    // The kubelet has renamed it and did not come to call: it goes on growing under its new name.
    if (sameFile(await files.state(rotated), identity)) return await resume(files, rotated, recorded);
  }
  return await adopt(files, path, recorded.base, true);
}

/** The position of a log whose file still exists somewhere, without opening or making anything. */
export async function findLogPlace(
  files: LogFiles,
  path: string,
  recorded: LogPlace,
): Promise<number | undefined> {
  const identity = identityOf(recorded);
  if (!identity) return undefined;
  for (const candidate of [path, hiddenPath(path), ...await files.rotated(path)]) {
    const state = await files.state(candidate);
    if (state && sameFile(state, identity)) return recorded.base + state.size;
  }
  return undefined;
}

function identityOf({ device, inode }: LogPlace): FileIdentity | undefined {
  return device === null || inode === null ? undefined : { device, inode };
}

/** A Reopen came as far as its fact. Nothing was written since. */
async function finishReopen(
  files: LogFiles,
  path: string,
  recorded: LogPlace,
  here: FileState | undefined,
): Promise<OpenedLog> {
  if (here) {
    // The call failed with the crash, so the kubelet took its renaming back: the log before is the log.
    await files.remove(hiddenPath(path));
    return await adopt(files, path, recorded.base, false);
  }
  await files.link(hiddenPath(path), path);
  await files.remove(hiddenPath(path));
  return await resume(files, path, recorded);
}

async function resume(files: LogFiles, path: string, place: LogPlace): Promise<OpenedLog> {
  const file = await files.open(path, "existing");
  return await closeOnError(file, async () => {
    const { size } = await file.state();
    // What is before the stream's first byte is not a record of ours.
    const ours = Math.max(0, size + Math.min(0, place.base));
    const tail = begunRecord(await file.tail(Math.min(ours, RECORD_MAX_BYTES)));
    const begun = tail.length < RECORD_MAX_BYTES ? tail : new Uint8Array();
    return { file, place, position: place.base + size, changed: false, begun, lost: false };
  });
}

/** Takes whatever file is at the path, or a new one, for the stream from `position` on. */
async function adopt(files: LogFiles, path: string, position: number, lost: boolean): Promise<OpenedLog> {
  const file = await files.open(path, "any");
  return await closeOnError(file, async () => {
    const { size, device, inode } = await file.state();
    const place = { base: position - size, device, inode };
    return { file, place, position, changed: true, begun: new Uint8Array(), lost };
  });
}

async function closeOnError<T>(file: LogFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    file.close();
    throw error;
  }
}
