// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatReference, parseReference } from "./reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

for (
  const [text, name, tag, digest] of [
    ["busybox", "busybox", "latest", undefined],
    ["busybox:1.36", "busybox", "1.36", undefined],
    ["localhost:5000/a/b", "localhost:5000/a/b", "latest", undefined],
    [
      "registry.k8s.io/e2e-test-images/busybox:1.29-2",
      "registry.k8s.io/e2e-test-images/busybox",
      "1.29-2",
      undefined,
    ],
    [`a/b@${DIGEST}`, "a/b", undefined, DIGEST],
    [`a/b:v1@${DIGEST}`, "a/b", "v1", DIGEST],
    ["Example.COM/a__b/c--d", "Example.COM/a__b/c--d", "latest", undefined],
  ] as const
) {
  Deno.test(`parseReference() reads ${text}`, () => {
    assert.deepEqual(parseReference(text), { name, tag, digest });
  });
}

for (
  const text of [
    "",
    "UPPER",
    "a b",
    "a:",
    "a@sha256:12",
    ":tag",
    "a//b",
    "/a",
    "a/",
    "-a",
    "a:b:c",
    "a\n",
  ]
) {
  Deno.test(`parseReference() refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parseReference(text), { name: "InvalidArgumentError" });
  });
}

Deno.test("parseReference() refuses a name that no registry takes, and says no more of it than is useful", () => {
  assert.throws(() => parseReference("a".repeat(10_000)), (error: Error) => error.message.length < 500);
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const reference = fc.record({
  name: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
  tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined }),
  digest: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`), { nil: undefined }),
}).map((each) =>
  each.digest === undefined && each.tag === undefined ? { ...each, tag: "latest" } : { ...each }
);

Deno.test("parseReference() reads back whatever formatReference() writes", () => {
  fc.assert(fc.property(reference, (each) => assert.deepEqual(parseReference(formatReference(each)), each)));
});

Deno.test("parseReference() either answers what it was given or refuses it, and is quick", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
    try {
      const found = parseReference(text);
      assert.ok(formatReference(found).startsWith(text));
    } catch (error) {
      assert.equal((error as Error).name, "InvalidArgumentError");
    }
  }));
  const begin = performance.now();
  assert.throws(() => parseReference("a-".repeat(50_000)));
  assert.throws(() => parseReference("a.".repeat(50_000) + "/"));
  assert.ok(performance.now() - begin < 1000);
});
