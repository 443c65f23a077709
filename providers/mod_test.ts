// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { systemClock } from "../lib/clock.ts";
import { FailedPreconditionError } from "../lib/errors.ts";
import { loadProvider, providerConfigSchema, providerConfigSchemas } from "./mod.ts";

const context = {
  name: "mine",
  cluster: "c",
  node: "n",
  directory: "/nonexistent",
  unsafe: false,
  clock: systemClock,
};

Deno.test("loadProvider() loads the provider of its configuration's kind under the name of its entry", async () => {
  const provider = await loadProvider(providerConfigSchema.parse({ kind: "fake" }), context);
  assert.equal(provider.name, "mine");
  await provider.close();
  const refused = loadProvider(providerConfigSchema.parse({ kind: "process" }), context);
  await assert.rejects(refused, FailedPreconditionError);
});

Deno.test("providerConfigSchema names the kinds that there are", () => {
  const { error } = providerConfigSchema.safeParse({ kind: "prcess" });
  assert.match(JSON.stringify(error?.issues), /kind/);
  for (const [kind, schema] of Object.entries(providerConfigSchemas)) {
    assert.equal(schema.parse({ kind }).kind, kind);
    assert.equal(schema.safeParse({ kind, unknown: 1 }).success, false);
  }
});

Deno.test("mod.ts loads no provider before it is asked for", async () => {
  const text = await Deno.readTextFile(new URL("mod.ts", import.meta.url));
  const loaded = [...text.matchAll(/^import (?!type).*from "\.\/(.+)"/gm)].map((match) => match[1]!);
  assert.deepEqual(loaded.filter((path) => !path.endsWith("/config.ts")), []);
});
