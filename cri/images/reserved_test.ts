// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { RESERVED_IMAGE, RESERVED_IMAGE_ID, ReservedImages } from "./reserved.ts";

function images(): ReservedImages {
  const settings = new Map<string, string>();
  return new ReservedImages({
    get: (key) => settings.get(key),
    set: (key, value) => void settings.set(key, value),
  });
}

Deno.test("RESERVED_IMAGE_ID never changes: containers and kubelets have recorded it", () => {
  assert.equal(RESERVED_IMAGE, "infranetes.io/exec:latest");
  assert.equal(RESERVED_IMAGE_ID, "sha256:6823cd33cf901b194d3568091d29ab8157962d5fbad4c2132f37092d5a03c7a3");
});

const HEX = RESERVED_IMAGE_ID.slice(7);
for (
  const text of [
    "infranetes.io/exec",
    "infranetes.io/exec:latest",
    RESERVED_IMAGE_ID,
    HEX,
    HEX.slice(0, 12),
    `sha256:${HEX.slice(0, 12)}`,
    `infranetes.io/exec@${RESERVED_IMAGE_ID}`,
    `infranetes.io/exec:latest@${RESERVED_IMAGE_ID}`,
  ]
) {
  Deno.test(`ReservedImages finds ${text}, always with the same answer`, () => {
    assert.deepEqual(images().find(text), images().list()[0]);
    assert.equal(images().pull(text), RESERVED_IMAGE_ID);
  });
}

for (
  const text of [
    "nginx",
    "infranetes.io/exec:v1",
    "exec",
    HEX.slice(0, 6),
    `sha256:${"0".repeat(64)}`,
    `infranetes.io/exec@sha256:${"0".repeat(64)}`,
  ]
) {
  Deno.test(`ReservedImages does not know ${text}`, () => {
    assert.equal(images().find(text), undefined);
    assert.equal(images().pull(text), undefined);
  });
}

Deno.test("ReservedImages answers with what the kubelet's client insists on", () => {
  const [image] = images().list();
  assert.equal(image?.id, RESERVED_IMAGE_ID);
  assert.ok(image.size > 0n);
  assert.ok(image.pinned);
  assert.deepEqual(image.repoTags, [RESERVED_IMAGE]);
});

Deno.test("ReservedImages forgets a removed image until it is pulled, also in another process", () => {
  const store = images();
  store.remove("nginx");
  assert.equal(store.list().length, 1);
  store.remove(HEX);
  store.remove(HEX);
  assert.deepEqual(store.list(), []);
  assert.equal(store.find(RESERVED_IMAGE), undefined);
  assert.equal(store.pull(RESERVED_IMAGE), RESERVED_IMAGE_ID);
  assert.equal(store.list().length, 1);
});

Deno.test("ReservedImages refuses what is no name of an image", () => {
  for (const text of ["", "No Image", "a b"]) {
    assert.throws(() => images().find(text), { name: "InvalidArgumentError" });
  }
});
