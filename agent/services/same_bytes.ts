// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** True if both hold the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
