// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The last bytes of files that follow one another. Files that do not exist are empty. */
export async function readTail(paths: readonly string[], maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let left = Math.max(0, maxBytes);
  for (const path of paths.toReversed()) {
    if (left === 0) break;
    const part = await readEnd(path, left);
    parts.unshift(part);
    left -= part.length;
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

async function readEnd(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, maxBytes));
    await file.seek(size - bytes.length, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < bytes.length) {
      const read = await file.read(bytes.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array(0);
    throw error;
  }
}
