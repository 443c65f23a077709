// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import fc from "fast-check";
import assert from "node:assert/strict";
import { CapacityError } from "../../lib/errors.ts";
import { freeAddress, parseRange } from "./addresses.ts";

const range = parseRange("127.64.0.0/10")!;

Deno.test("parseRange() reads ranges within 127.0.0.0/8 and nothing else", () => {
  assert.deepEqual(parseRange("127.64.0.0/10"), { first: 0x7f400000, count: 2 ** 22 });
  assert.deepEqual(parseRange("127.0.0.0/8"), { first: 0x7f000000, count: 2 ** 24 });
  assert.deepEqual(parseRange("127.1.2.4/30"), { first: 0x7f010204, count: 4 });
  const wrong = [
    "127.64.0.1/10",
    "127.0.0.0/7",
    "127.0.0.0/31",
    "10.0.0.0/8",
    "127.256.0.0/16",
    "127.0.0.0",
    "::1/128",
    "",
  ];
  for (const text of wrong) assert.equal(parseRange(text), undefined, text);
});

Deno.test("freeAddress() never gives an address twice, nor the range's first or last", () => {
  const small = parseRange("127.64.0.0/28")!;
  fc.assert(fc.property(fc.array(fc.string(), { minLength: 14, maxLength: 14 }), (seeds) => {
    const taken = new Set<string>();
    for (const seed of seeds) taken.add(freeAddress(small, taken, seed));
    assert.equal(taken.size, 14);
    assert.ok(!taken.has("127.64.0.0") && !taken.has("127.64.0.15"));
    assert.throws(() => freeAddress(small, taken, "one more"), CapacityError);
  }));
});

Deno.test("freeAddress() spreads addresses, so that none is used again soon", () => {
  const first = freeAddress(range, new Set(), "a".repeat(32));
  assert.notEqual(first, freeAddress(range, new Set(), "b".repeat(32)));
  assert.equal(first, freeAddress(range, new Set(), "a".repeat(32)));
});
