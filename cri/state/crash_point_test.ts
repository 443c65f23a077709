// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { crashAfterFacts } from "./crash_point.ts";

for (const text of ["", "0", "-1", "1.5", "two"]) {
  Deno.test(`crashAfterFacts() refuses '${text}'`, () => {
    assert.throws(() => crashAfterFacts(text), /must be a whole number from 1 on/);
  });
}

Deno.test("crashAfterFacts() lets live until its fact has come", () => {
  const afterFact = crashAfterFacts("3");
  afterFact("first");
  afterFact("second");
});
