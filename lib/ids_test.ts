// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { randomIds } from "./ids.ts";

Deno.test("randomIds gives ids of the promised shapes, no two alike", () => {
  const kinds = [
    [randomIds.id, /^[0-9a-f]{64}$/],
    [randomIds.vmId, /^[0-9a-f]{32}$/],
    [randomIds.token, /^[0-9a-f]{32}$/],
    [randomIds.secret, /^[A-Za-z0-9_-]{43}$/],
  ] as const;
  for (const [make, shape] of kinds) {
    const made = Array.from({ length: 100 }, make);
    for (const id of made) assert.match(id, shape);
    assert.equal(new Set(made).size, made.length);
  }
});
