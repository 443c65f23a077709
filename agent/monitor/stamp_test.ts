// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatStamp, Stamp } from "./stamp.ts";

Deno.test("formatStamp() is always 30 characters and sorts as time does", () => {
  const moment = fc.bigInt({ min: 0n, max: 253_402_300_799_999_999_999n });
  fc.assert(fc.property(moment, moment, (a, b) => {
    const [x, y] = [formatStamp(a), formatStamp(b)];
    assert.equal(x.length, 30);
    assert.equal(a < b, x < y);
    assert.equal(BigInt(Date.parse(`${x.slice(0, 23)}Z`)) * 1_000_000n + BigInt(x.slice(23, 29)), a);
  }));
});

Deno.test("formatStamp() writes nine digits of fraction in UTC", () => {
  assert.equal(formatStamp(1_795_244_400_123_456_789n), "2026-11-21T07:00:00.123456789Z");
});

Deno.test("Stamp counts in microseconds between the ticks of the wall clock", () => {
  const clock = { wall: 1_000, monotonic: 5 };
  const stamp = new Stamp(() => clock.wall, () => clock.monotonic);
  assert.equal(stamp.nowNs(), 1_000_000_000n);
  clock.monotonic += 0.25;
  assert.equal(stamp.nowNs(), 1_000_250_000n);
});

Deno.test("Stamp follows a wall clock that is set forward", () => {
  const clock = { wall: 1_000, monotonic: 0 };
  const stamp = new Stamp(() => clock.wall, () => clock.monotonic);
  clock.wall += 3_600_000;
  assert.equal(stamp.nowNs(), 3_601_000_000_000n);
});

Deno.test("Stamp never goes back when the wall clock is set back", () => {
  const clock = { wall: 10_000, monotonic: 0 };
  const stamp = new Stamp(() => clock.wall, () => clock.monotonic);
  const before = stamp.nowNs();
  clock.wall -= 5_000;
  assert.equal(stamp.nowNs(), before);
  clock.wall += 5_001;
  clock.monotonic += 5_001;
  assert(stamp.nowNs() > before);
});
