// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The kubelet keeps no more, and it keeps the end. */
export const MAX_TERMINATION_MESSAGE = 4096;

/**
 * The last bytes of what a container wrote as its termination message. Empty if there is nothing to read: the container
 * may have replaced the file by anything, and a device or a pipe would not end.
 */
export async function readTerminationMessage(path: string): Promise<Uint8Array> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    if (!isFile || size === 0) return new Uint8Array();
    using file = await Deno.open(path, { read: true });
    await file.seek(Math.max(0, size - MAX_TERMINATION_MESSAGE), Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(size, MAX_TERMINATION_MESSAGE));
    let filled = 0;
    while (filled < bytes.length) {
      const count = await file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return new Uint8Array();
    }
    throw error;
  }
}
