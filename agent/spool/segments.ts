// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** One file of a spool: the bytes of the stream from `start` on. */
export interface Segment {
  readonly name: string;
  readonly start: number;
}

const NAME_REGEXP = /^\d{16}$/;

/** Sixteen digits hold every safe integer, so that names sort as their offsets do. */
export function segmentName(start: number): string {
  return String(start).padStart(16, "0");
}

/** The spool's files in the order of the stream. Empty if the directory does not exist. */
export function listSegments(directory: string): Segment[] {
  const found: Segment[] = [];
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (NAME_REGEXP.test(name)) found.push({ name, start: Number(name) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort((a, b) => a.start - b.start);
}
