// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { FakeClock } from "./testing/fake_clock.ts";
import { TokenBucket } from "./token_bucket.ts";

function taken(bucket: TokenBucket, tries: number): number {
  return Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length;
}

Deno.test("TokenBucket allows a second's worth at once and then the rate", () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(100, clock);
  assert.equal(taken(bucket, 500), 100);
  clock.advance(250);
  assert.equal(taken(bucket, 500), 25);
  clock.advance(3_600_000);
  assert.equal(taken(bucket, 500), 100);
});
