// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * The bytes of a message field, exactly as they stand in an encoded message; empty if it is not there. Where it stands
 * several times, they are joined: protobuf merges such messages, and joining their bytes is the same.
 *
 * @param field The number of a length-delimited field
 */
export function rawField(message: Uint8Array, field: number): Uint8Array {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  if (found.length === 1) return found[0]!.slice();
  const joined = new Uint8Array(found.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of found) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
