// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { embeddedBytes } from "./embedded_bytes.ts";

const OUTPUT = `Warning deno compile --bundle is experimental and may change.
Compile .deno_compile_bundle_c101695e.mjs to out

Embedded Files

out
└── .deno_compile_bundle_c101695e.mjs (524.12KB)

Files: 527.19KB
Metadata: 2.83KB
Remote modules: 12B
`;

Deno.test("embeddedBytes() reads the total in each unit", () => {
  assert.equal(embeddedBytes(OUTPUT), 539_843);
  assert.equal(embeddedBytes("Files: 12B\n"), 12);
  assert.equal(embeddedBytes("Files: 1.5MB\n"), 1_572_864);
});

Deno.test("embeddedBytes() throws on an output without a total", () => {
  assert.throws(() => embeddedBytes("Compile a to b"), /^SyntaxError: Cannot find the size/);
  assert.throws(() => embeddedBytes("Files: many\n"), SyntaxError);
});
