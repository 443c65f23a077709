// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ListPodSandboxResponseSchema, PodSandboxSchema } from "../../protocol/gen/cri_pb.ts";
import { concatItems, listItem } from "./list_item.ts";

Deno.test("concatItems() of list items is the response that protobuf encodes", () => {
  const sandbox = fc.record({ id: fc.string({ maxLength: 40_000 }), runtimeHandler: fc.string() });
  fc.assert(fc.property(fc.array(sandbox, { maxLength: 5 }), (inits) => {
    const items = inits.map((init) => create(PodSandboxSchema, init));
    const bytes = concatItems(items.map((item) => listItem(toBinary(PodSandboxSchema, item))));
    const response = create(ListPodSandboxResponseSchema, { items });
    assert.deepEqual(bytes, toBinary(ListPodSandboxResponseSchema, response));
  }));
});

for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_152]) {
  Deno.test(`listItem() writes a length of ${length} bytes so that protobuf reads it`, () => {
    // Tag and length of the id take up to five bytes, so the message is a little longer than the id.
    const item = create(PodSandboxSchema, { id: "x".repeat(length) });
    const { items } = fromBinary(
      ListPodSandboxResponseSchema,
      concatItems([listItem(toBinary(PodSandboxSchema, item))]),
    );
    assert.equal(items[0]!.id.length, length);
  });
}
