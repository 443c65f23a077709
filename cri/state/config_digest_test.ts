// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ContainerConfigSchema, PodSandboxConfigSchema } from "../../protocol/gen/cri_pb.ts";
import { configDigest } from "./config_digest.ts";

Deno.test("configDigest() does not depend on the order of maps", () => {
  const labels = fc.dictionary(fc.string(), fc.string());
  fc.assert(fc.property(labels, (map) => {
    const reverse = Object.fromEntries(Object.entries(map).reverse());
    assert.equal(
      configDigest(PodSandboxConfigSchema, create(PodSandboxConfigSchema, { labels: map })),
      configDigest(PodSandboxConfigSchema, create(PodSandboxConfigSchema, { labels: reverse })),
    );
  }));
});

Deno.test("configDigest() depends on every kind of field and on the order of lists", () => {
  const env = (...values: string[]) =>
    values.map((each) => ({ key: "A", value: new TextEncoder().encode(each) }));
  const configs = [
    {},
    { command: ["a", "b"] },
    { command: ["b", "a"] },
    { command: ["a,b"] },
    { envs: env("1", "2") },
    { envs: env("2", "1") },
    { tty: true },
    { linux: {} },
    { linux: { resources: { memoryLimitInBytes: 1n } } },
    { linux: { resources: { memoryLimitInBytes: 2n } } },
    { labels: { a: "b" } },
    { annotations: { a: "b" } },
  ];
  const digests = configs.map((init) =>
    configDigest(ContainerConfigSchema, create(ContainerConfigSchema, init))
  );
  assert.equal(new Set(digests).size, configs.length);
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{64}$/);
});
