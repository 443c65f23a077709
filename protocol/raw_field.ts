// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * The bytes of a message field inside an encoded message, as the sender wrote them: decoding and encoding again would
 * reorder fields. A field that occurs more than once is concatenated, which is how protobuf merges messages.
 *
 * @param message An encoded message.
 * @param number The number of a field of message type that is not repeated.
 * @returns `undefined` if the field is absent; a view of `message` if it occurs once.
 * @throws {RangeError} If `message` is cut short.
 * @throws {TypeError} If the field is there but is no message, string or bytes.
 */
export function rawField(message: Uint8Array, number: number): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  let found: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== number) {
      reader.skip(wireType, field);
      continue;
    }
    if (wireType !== WireType.LengthDelimited) {
      throw new TypeError(`Cannot take field ${number}: it has wire type ${wireType}, a message has 2`);
    }
    const bytes = reader.bytes();
    found = found ? concatenated(found, bytes) : bytes;
  }
  return found;
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
