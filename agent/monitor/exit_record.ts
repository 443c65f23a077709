// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { writeAll } from "../state/atomic_file.ts";
import { EXIT_FILE, EXIT_RESERVE_FILE, type ExitRecord } from "./spec.ts";

/** More than an exit record with its longest message takes. */
const RESERVED_BYTES = 8 * 1024;
const MAX_MESSAGE = 2 * 1024;

/** Takes the disk space of the exit record before the process runs, which may fill the disk. */
export function reserveExitRecord(directory: string): void {
  using file = Deno.openSync(`${directory}/${EXIT_RESERVE_FILE}`, {
    write: true,
    create: true,
    truncate: true,
    mode: 0o600,
  });
  writeAll(file, new Uint8Array(RESERVED_BYTES).fill(0x20));
}

/** Writes the record into the reserved space: neither that nor the rename needs any more of the disk. */
export function writeExitRecord(directory: string, record: ExitRecord): void {
  const reserve = `${directory}/${EXIT_RESERVE_FILE}`;
  const text = JSON.stringify({ ...record, message: record.message.slice(0, MAX_MESSAGE) });
  {
    using file = Deno.openSync(reserve, { write: true, create: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    writeAll(file, bytes);
    file.truncateSync(bytes.length);
  }
  Deno.renameSync(reserve, `${directory}/${EXIT_FILE}`);
}
