// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { listSegments } from "./segments.ts";

const NEWLINE = 10;
/** A record is at most 16 KiB of text and its head: further back there is a newline or the file holds none. */
const WINDOW = 64 * 1024;

/**
 * Mends a spool whose writer was killed: a record that was being written is cut off, since its end never comes and
 * nobody was told of it.
 *
 * @returns offset behind the last whole record; 0 if nothing was ever written
 */
export function repairSpool(directory: string): number {
  for (const { name, start } of listSegments(directory).reverse()) {
    using file = Deno.openSync(`${directory}/${name}`, { read: true, write: true });
    const size = file.statSync().size;
    const whole = lastRecordEnd(file, size);
    if (whole !== size) file.truncateSync(whole);
    // Even an empty one says how far the stream had come.
    return start + whole;
  }
  return 0;
}

function lastRecordEnd(file: Deno.FsFile, size: number): number {
  const buffer = new Uint8Array(WINDOW);
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - WINDOW);
    const part = buffer.subarray(0, end - from);
    file.seekSync(from, Deno.SeekMode.Start);
    for (let done = 0; done < part.length;) {
      const count = file.readSync(part.subarray(done));
      if (count === null) {
        throw new Error(`Spool file ends at ${from + done}: was ${size} bytes long a moment ago`);
      }
      done += count;
    }
    const newline = part.lastIndexOf(NEWLINE);
    if (newline >= 0) return from + newline + 1;
    end = from;
  }
  return 0;
}
