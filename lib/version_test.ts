// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { VERSION } from "./version.ts";

Deno.test("VERSION is that of deno.json", async () => {
  const text = await Deno.readTextFile(new URL("../deno.json", import.meta.url));
  assert.equal(VERSION, JSON.parse(text).version);
});
