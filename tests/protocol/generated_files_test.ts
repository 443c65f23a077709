// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { generate } from "../../protocol/generate.ts";

const GENERATED = new URL("../../protocol/gen/", import.meta.url).pathname;

async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Deno.readDir(folder)) {
    files[entry.name] = await Deno.readTextFile(`${folder}/${entry.name}`);
  }
  return files;
}

Deno.test("protocol/gen holds what `deno task gen` writes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await generate(folder, AbortSignal.timeout(120_000));
    const [committed, fresh] = [await filesOf(GENERATED), await filesOf(folder)];
    assert.deepEqual(Object.keys(committed).sort(), Object.keys(fresh).sort());
    for (const [name, text] of Object.entries(fresh)) {
      assert.ok(
        committed[name] === text,
        `protocol/gen/${name} is not what its .proto says: run deno task gen`,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
