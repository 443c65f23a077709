// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { formatRecord } from "./log.ts";

const RECORD = {
  timestamp: Date.UTC(2026, 10, 21, 7),
  level: "warning",
  category: ["vmserver", "link"],
  rawMessage: "",
  properties: {},
} as const;

Deno.test("formatRecord() writes one line with time, level, area and text", () => {
  const line = formatRecord({
    ...RECORD,
    message: ["No session: ", new Error("a\nb", { cause: new Error("why") }), ", ", { n: 1 }, ""],
  });
  assert.equal(line, '2026-11-21T07:00:00.000Z warning link: No session: a\\nb (why), {"n":1}\n');
});
