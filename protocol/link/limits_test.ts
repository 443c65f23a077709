// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { DEFAULT_LIMITS, resolveLimits } from "./limits.ts";

Deno.test("resolveLimits() fills in the defaults", () => {
  assert.deepEqual(resolveLimits(), DEFAULT_LIMITS);
  assert.deepEqual(resolveLimits({ maxStreams: 3 }), { ...DEFAULT_LIMITS, maxStreams: 3 });
});

Deno.test("resolveLimits() refuses values with which a session could stall", () => {
  assert.throws(() => resolveLimits({ window: 65_536 }), /window is 65536: must be at least 131072/);
  assert.throws(() => resolveLimits({ window: 32 * 1024 * 1024 }), /must be at most 16777216/);
  assert.throws(
    () => resolveLimits({ maxInFlight: 131_072 }),
    /maxInFlight is 131072: must be at least 262144/,
  );
  assert.throws(() => resolveLimits({ maxStreams: 0 }), /maxStreams is 0/);
  assert.throws(() => resolveLimits({ maxMessage: NaN }), /maxMessage is NaN/);
});
