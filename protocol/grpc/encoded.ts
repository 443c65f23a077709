// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * An answer that is encoded already: the bytes go on the wire as they are. For lists, whose entries are kept encoded
 * and only concatenated.
 */
export class Encoded {
  constructor(readonly bytes: Uint8Array) {}
}
