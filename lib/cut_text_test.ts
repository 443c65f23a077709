// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { cutText } from "./cut_text.ts";

Deno.test("cutText() leaves a text that is short enough as it is, and cuts a longer one", () => {
  assert.equal(cutText("abc", 3), "abc");
  assert.equal(cutText("abcd", 3), "abc");
  assert.equal(cutText("", 0), "");
});

Deno.test("cutText() replaces half of a character, which protobuf cannot carry", () => {
  assert.equal(cutText("ab😀", 3), "ab\u{fffd}");
});

Deno.test("cutText() does not keep the text alive that it cuts", () => {
  const long = new Uint8Array(4 * 1024 * 1024).fill(120);
  const before = Deno.memoryUsage().heapUsed;
  const kept = Array.from({ length: 64 }, () => cutText(new TextDecoder().decode(long), 128));
  const grown = Deno.memoryUsage().heapUsed - before;
  assert.equal(kept.length, 64);
  // 256 MiB if each was kept: far beyond what a collector that has not run yet leaves.
  assert.ok(grown < 128 * 1024 * 1024, `${grown} bytes more`);
});
