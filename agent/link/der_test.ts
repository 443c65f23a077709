// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { bitString, element, integer, objectId, readElements, sequence, Tag } from "./der.ts";

Deno.test("objectId() and integer() write what the standard's examples have", () => {
  assert.equal(objectId("1.2.840.10045.4.3.2").toHex(), "06082a8648ce3d040302");
  assert.equal(objectId("2.5.4.3").toHex(), "0603550403");
  assert.equal(integer(Uint8Array.of(0)).toHex(), "020100");
  assert.equal(integer(Uint8Array.of(0, 0, 0x7f)).toHex(), "02017f");
  assert.equal(integer(Uint8Array.of(0x80)).toHex(), "02020080");
  assert.equal(bitString(Uint8Array.of(5)).toHex(), "03020005");
});

Deno.test("element() writes lengths of one, two, three and four bytes as short as can be", () => {
  const head = (length: number) => element(Tag.SEQUENCE, new Uint8Array(length)).subarray(0, 5).toHex();
  assert.match(head(0x7f), /^307f/);
  assert.match(head(0x80), /^308180/);
  assert.match(head(0x100), /^30820100/);
  assert.match(head(0x10000), /^3083010000/);
});

Deno.test("readElements() reads back what element() wrote", () => {
  const tag = fc.integer({ min: 0, max: 0xff });
  const part = fc.tuple(tag, fc.uint8Array({ maxLength: 300 }));
  fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
    const written = sequence(...parts.map(([tag, content]) => element(tag, content)));
    const [outer, ...more] = readElements(written);
    assert.equal(more.length, 0);
    const read = readElements(outer!.content).map(({ tag, content }) => [tag, content.toHex()]);
    assert.deepEqual(read, parts.map(([tag, content]) => [tag, content.toHex()]));
  }));
});

Deno.test("readElements() of any bytes gives elements that lie within them, or throws RangeError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    try {
      const length = readElements(bytes).reduce((sum, { whole }) => sum + whole.length, 0);
      assert.equal(length, bytes.length);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
  }));
});
