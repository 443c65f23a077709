// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * As much of DER (ITU-T X.690) as certificate requests and certificates take. An x509 library costs about a second and
 * 11 to 30 MiB in a small guest (measured 2026-11-21), this costs nothing.
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

export const Tag = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OBJECT_ID: 0x06,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
  /** [0], constructed. */
  CONTEXT_0: 0xa0,
} as const;

/** A value with its tag: `parts` one after the other are its content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const content = concat(parts);
  return concat([Uint8Array.of(tag), encodeLength(content.length), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return element(Tag.SEQUENCE, ...parts);
}

/** A whole number that is not negative, from its big-endian bytes. */
export function integer(bytes: Uint8Array): Bytes {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.subarray(from);
  // A leading one bit would make it negative.
  return element(Tag.INTEGER, Uint8Array.from(digits[0]! >= 0x80 ? [0] : []), digits);
}

/** Whole bytes. */
export function bitString(bytes: Uint8Array): Bytes {
  return element(Tag.BIT_STRING, Uint8Array.of(0), bytes);
}

/** `2.5.4.3`. */
export function objectId(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(Tag.OBJECT_ID, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

export function utf8String(text: string): Bytes {
  return element(Tag.UTF8_STRING, new TextEncoder().encode(text));
}

/** One element as it was found. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
}

/**
 * The elements that lie one after the other in `bytes`.
 * @throws {RangeError} if the bytes are not DER
 */
export function readElements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, end } = readExtent(bytes, at);
    found.push({ tag: bytes[at]!, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

function readExtent(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = bytes[at + 1] ?? 0xff;
  const count = first < 0x80 ? 0 : first & 0x7f;
  // Four bytes of length are more than any certificate has.
  if (count > 4 || at + 2 + count > bytes.length) throw new RangeError(`DER has no length at byte ${at + 1}`);
  let length = first;
  if (count > 0) length = bytes.subarray(at + 2, at + 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  const start = at + 2 + count;
  if (start + length > bytes.length) {
    throw new RangeError(`DER element at byte ${at} is longer than what holds it`);
  }
  return { start, end: start + length };
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(rest % 128 + 128);
  }
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
