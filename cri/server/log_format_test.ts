// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { formatJson, formatText } from "./log_format.ts";

function record(patch: Partial<LogRecord> = {}): LogRecord {
  return {
    category: ["infranetes", "sandbox"],
    level: "info",
    timestamp: Date.UTC(2026, 10, 21, 7, 0, 0, 123),
    message: ["Sandbox ", "4f", " is ready"],
    rawMessage: "Sandbox {sandboxId} is ready",
    properties: { sandboxId: "4f" },
    ...patch,
  };
}

Deno.test("formatText() makes one line, without saying twice what the message shows", () => {
  const properties = { sandboxId: "4f", phases: { create: 12 }, epoch: 7n, note: "two\nlines" };
  assert.equal(
    formatText(record({ properties })),
    '2026-11-21T07:00:00.123Z INFO    sandbox   Sandbox 4f is ready phases={"create":12} epoch=7 note="two\\nlines"\n',
  );
});

Deno.test("formatJson() makes one object a line of whatever a record holds", () => {
  const error = new Error("No room", { cause: new TypeError("Inner") });
  const properties = { error, big: 2n ** 60n, bytes: new Uint8Array(3), none: undefined };
  const line = formatJson(record({ properties }));
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(JSON.parse(line), {
    time: "2026-11-21T07:00:00.123Z",
    level: "info",
    area: "sandbox",
    message: "Sandbox 4f is ready",
    error: { name: "Error", message: "No room", cause: { name: "TypeError", message: "Inner" } },
    big: "1152921504606846976",
    bytes: "[3 bytes]",
  });
});

Deno.test("formatJson() comes to an end with data that refers to itself", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  assert(formatJson(record({ properties: { loop } })).includes("…"));
});
