// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { lastLines } from "./start_failure.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("lastLines() is the last lines, without what a terminal would act on", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  assert.equal(lastLines(bytes(lines.join("\n"))), lines.slice(-8).join("\n"));
  assert.equal(lastLines(bytes("\x1b[2J\x1b[1;31mred\x07\r\n\n\ttab\x9b\n")), "red\n\ttab");
  assert.equal(lastLines(bytes("")), "");
});

Deno.test("lastLines() of megabytes without a line end is bounded", () => {
  assert.ok(lastLines(new Uint8Array(5_000_000).fill(0x78)).length <= 2048);
});

Deno.test("lastLines() takes bytes that are no text", () => {
  assert.equal(typeof lastLines(new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x0a])), "string");
});
