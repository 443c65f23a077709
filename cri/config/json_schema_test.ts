// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { configJsonSchema } from "./json_schema.ts";

Deno.test("docs/config.schema.json is what `infranetes config schema` prints", async () => {
  const committed = await Deno.readTextFile(new URL("../../docs/config.schema.json", import.meta.url));
  const hint =
    "docs/config.schema.json is out of date: deno run -A cri/main.ts config schema > docs/config.schema.json";
  assert.equal(committed, `${JSON.stringify(configJsonSchema(), null, 2)}\n`, hint);
});

Deno.test("configJsonSchema() describes every field that is not a choice of words alone", () => {
  const bare: string[] = [];
  walk(configJsonSchema(), "", bare);
  assert.deepEqual(bare, []);
});

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly const?: unknown;
}

function walk(node: SchemaNode, path: string, bare: string[]): void {
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    const below = `${path}.${name}`;
    if (!property.properties && property.description === undefined && property.const === undefined) {
      bare.push(below);
    }
    walk(property, below, bare);
  }
}
