// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeFrame,
  FrameError,
  FrameType,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  newFrame,
  readU32,
  writeU32,
} from "./frame.ts";

function data(length: number): Uint8Array<ArrayBuffer> {
  return newFrame(FrameType.DATA, 2, 7, length);
}

function changed(frame: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = frame.slice();
  copy[at] = value;
  return copy;
}

Deno.test("decodeFrame() gives back what newFrame() was given, for every kind of frame", () => {
  const lengths: Record<number, number> = { 1: 20, 2: 9, 3: 100, 4: 3, 5: 0, 6: 4, 7: 4, 8: 8, 9: 8, 10: 2 };
  for (const type of Object.values(FrameType)) {
    const stream = [1, 7, 8, 9, 10].includes(type) ? 0 : 0xffff_ffff;
    const frame = newFrame(type, 0, stream, lengths[type]!);
    assert.deepEqual(decodeFrame(frame), {
      type,
      flags: 0,
      stream,
      length: lengths[type],
      payload: frame.subarray(HEADER_BYTES),
    });
  }
});

Deno.test("decodeFrame() takes the largest frame and nothing larger", () => {
  assert.equal(decodeFrame(data(MAX_FRAME_BYTES - HEADER_BYTES)).length, MAX_FRAME_BYTES - HEADER_BYTES);
  assert.throws(
    () => decodeFrame(data(MAX_FRAME_BYTES - HEADER_BYTES + 1)),
    /claims a payload of 65525 bytes/,
  );
});

const MALFORMED: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
  ["no bytes", new Uint8Array(0), /shorter than its header/],
  ["half a header", new Uint8Array(11), /Frame of 11 bytes is shorter/],
  ["type 0", changed(data(1), 0, 0), /unknown type 0/],
  ["type 11", changed(data(1), 0, 11), /unknown type 11/],
  ["type 255", changed(data(1), 0, 255), /unknown type 255/],
  ["an unknown flag", changed(data(1), 1, 4), /DATA frame has unknown flags 0x4/],
  ["LAST on END", newFrame(FrameType.END, 1, 1, 3), /END frame has unknown flags 0x1/],
  ["flags on CANCEL", newFrame(FrameType.CANCEL, 2, 1, 0), /CANCEL frame has unknown flags/],
  ["reserved bits, first byte", changed(data(1), 2, 1), /reserved bits/],
  ["reserved bits, second byte", changed(data(1), 3, 128), /reserved bits/],
  ["DATA on stream 0", newFrame(FrameType.DATA, 2, 0, 1), /DATA frame is on stream 0/],
  ["PING on a stream", newFrame(FrameType.PING, 0, 3, 8), /PING frame is on stream 3/],
  ["BYE on a stream", newFrame(FrameType.BYE, 0, 3, 8), /BYE frame is on stream 3/],
  ["a length that is too small", changed(data(5), 11, 4), /claims a payload of 4 bytes and has 5/],
  ["a length that is too large", changed(data(5), 11, 6), /claims a payload of 6 bytes and has 5/],
  ["a length of 4 GiB", changed(data(5), 8, 255), /claims a payload of 4278190085 bytes/],
  ["a PING of 7 bytes", newFrame(FrameType.PING, 0, 0, 7), /PING frame claims a payload of 7 bytes/],
  ["a CREDIT of 5 bytes", newFrame(FrameType.CREDIT, 0, 1, 5), /CREDIT frame claims/],
  ["an OPEN without a method", newFrame(FrameType.OPEN, 0, 1, 6), /OPEN frame claims/],
  ["a HELLO of 300 bytes", newFrame(FrameType.HELLO, 0, 0, 300), /HELLO frame claims/],
  ["a DATA frame that carries nothing", newFrame(FrameType.DATA, 0, 1, 0), /carries nothing/],
];

for (const [name, bytes, message] of MALFORMED) {
  Deno.test(`decodeFrame() refuses ${name}`, () => {
    assert.throws(() => decodeFrame(bytes), (error) => {
      assert(error instanceof FrameError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("decodeFrame() throws nothing but FrameError, and only accepts what newFrame() would have made", () => {
  const header = fc.tuple(
    fc.nat(12),
    fc.nat(5),
    fc.nat(1),
    fc.nat(1),
    fc.nat(3),
    fc.nat(40),
    fc.uint8Array({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(header, ([type, flags, reserved1, reserved2, stream, length, rest]) => {
      const bytes = new Uint8Array([
        type,
        flags,
        reserved1,
        reserved2,
        0,
        0,
        0,
        stream,
        0,
        0,
        0,
        length,
        ...rest,
      ]);
      accepts(bytes);
    }),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => accepts(new Uint8Array(bytes))), {
    numRuns: 5000,
  });
});

function accepts(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    const { type, flags, stream, length, payload } = decodeFrame(bytes);
    const again = newFrame(type, flags, stream, length);
    again.set(payload, HEADER_BYTES);
    assert.deepEqual(again, bytes);
  } catch (error) {
    assert(error instanceof FrameError, String(error));
  }
}

Deno.test("writeU32() and readU32() agree on every unsigned 32-bit number", () => {
  const bytes = new Uint8Array(6);
  fc.assert(fc.property(fc.nat(0xffff_ffff), fc.nat(2), (value, at) => {
    writeU32(bytes, at, value);
    assert.equal(readU32(bytes, at), value);
    assert.equal(new DataView(bytes.buffer).getUint32(at), value);
  }));
});
