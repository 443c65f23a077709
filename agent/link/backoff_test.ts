// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { retryDelay } from "./backoff.ts";

Deno.test("retryDelay() is within 500 ms at first, grows to 10 s, and is half chance", () => {
  assert.deepEqual([0, 0.5, 1].map((random) => retryDelay(1, random)), [200, 300, 400]);
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map((failures) => retryDelay(failures, 1)), [
    400,
    800,
    1600,
    3200,
    6400,
    10_000,
    10_000,
  ]);
  assert.equal(retryDelay(1_000_000, 1), 10_000);
  assert.equal(retryDelay(1_000_000, 0), 5000);
});
