// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { expandReferences, expandVariables } from "./expand.ts";

const VARIABLES = new Map([["A", "1"], ["B", "$(A)"], ["EMPTY", ""]]);

const TABLE: readonly (readonly [text: string, expanded: string])[] = [
  ["$(A)", "1"],
  ["x$(A)y$(A)z", "x1y1z"],
  ["$(EMPTY)", ""],
  ["$(UNKNOWN)", "$(UNKNOWN)"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$$", "$"],
  ["$A ${A} $", "$A ${A} $"],
  ["$(A", "$(A"],
  ["$(B)", "$(A)"],
];

for (const [text, expanded] of TABLE) {
  Deno.test(`expandReferences() makes ${JSON.stringify(expanded)} of ${JSON.stringify(text)}`, () => {
    assert.equal(expandReferences(text, VARIABLES), expanded);
  });
}

Deno.test("expandVariables() lets a variable refer to those before it, not to those after it", () => {
  const env = [{ name: "A", value: "$(B)" }, { name: "B", value: "b" }, { name: "C", value: "$(B)c" }];
  assert.deepEqual([...expandVariables(env)], [["A", "$(B)"], ["B", "b"], ["C", "bc"]]);
});
