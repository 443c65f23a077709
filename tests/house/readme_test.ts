// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { join } from "node:path";
import { imageService } from "../../cri/image_service.ts";
import type { Node } from "../../cri/node.ts";
import { runtimeService } from "../../cri/runtime_service.ts";
import { ImageService, RuntimeService } from "../../protocol/gen/cri_pb.ts";

const README = join(import.meta.dirname!, "..", "..", "README.md");

Deno.test("the README lists exactly the RPCs that answer UNIMPLEMENTED", async () => {
  // The tables only name functions: no node is needed to read their keys.
  const answered = new Set([
    ...Object.keys(runtimeService({} as Node)),
    ...Object.keys(imageService({} as Node)),
  ]);
  const missing = [...RuntimeService.methods, ...ImageService.methods]
    .filter(({ localName }) => !answered.has(localName)).map(({ name }) => name);
  const text = (await Deno.readTextFile(README)).replaceAll("\n", " ");
  const [, list] = /RPCs that answer UNIMPLEMENTED: ([^.;]+)/.exec(text) ?? [];
  assert.ok(list, "the README has a sentence that begins with 'RPCs that answer UNIMPLEMENTED:'");
  assert.deepEqual(list.split(",").map((name) => name.trim()).sort(), missing.sort());
});
