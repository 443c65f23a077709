// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { CapacityError } from "../../lib/errors.ts";

/** A range of IPv4 addresses as numbers. */
export interface AddressRange {
  readonly first: number;
  readonly count: number;
}

const CIDR_REGEXP = /^(127)\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** Reads `127.a.b.c/n` with n from 8 to 30. Undefined for anything else, also if bits behind the prefix are set. */
export function parseRange(text: string): AddressRange | undefined {
  const numbers = CIDR_REGEXP.exec(text)?.slice(1).map(Number);
  if (!numbers) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = numbers;
  if (Math.max(b, c, d) > 255 || prefix < 8 || prefix > 30) return undefined;
  const first = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const count = 2 ** (32 - prefix);
  return first % count === 0 ? { first, count } : undefined;
}

/**
 * An address of the range that is not taken; its first and last are never given. The place to begin is drawn from
 * `seed`, so that an address is not used again soon, and two nodes with the same range on one machine seldom meet.
 *
 * @throws {CapacityError} if all are taken
 */
export function freeAddress(
  { first, count }: AddressRange,
  taken: ReadonlySet<string>,
  seed: string,
): string {
  const usable = count - 2;
  const begin = hash(seed) % usable;
  for (let i = 0; i < Math.min(usable, taken.size + 1); i++) {
    const address = formatAddress(first + 1 + (begin + i) % usable);
    if (!taken.has(address)) return address;
  }
  throw new CapacityError(`All ${usable} addresses of the range from ${formatAddress(first)} on are in use`);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
