// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameError, FrameType, MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES, newFrame } from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";

const anyFrame = fc.record({
  stream: fc.integer({ min: 1, max: 0xffff_ffff }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
})
  .map(({ stream, payload }) => {
    const frame = newFrame(FrameType.DATA, 2, stream, payload.length);
    frame.set(payload, 12);
    return frame;
  });

function joined(frames: Uint8Array[]): Uint8Array {
  return new Uint8Array(frames.flatMap((frame) => [...frame]));
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

Deno.test("FrameReader gives the same frames however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 8 }),
      fc.array(fc.nat(5000), { maxLength: 30 }),
      (frames, places) => {
        const reader = new FrameReader();
        const read = cut(joined(frames), places).flatMap((chunk) => [...reader.read(chunk)]);
        assert.deepEqual(read, frames);
        assert(reader.idle);
      },
    ),
  );
});

Deno.test("FrameReader gives frames one byte at a time", () => {
  const frame = newFrame(FrameType.PING, 0, 0, 8);
  const reader = new FrameReader();
  const counts = [...frame].map((byte) => [...reader.read(new Uint8Array([byte]))].length);
  assert.deepEqual(counts, [...new Array(19).fill(0), 1]);
});

Deno.test("FrameReader gives frames that do not hold on to the chunk they came in", () => {
  const frames = [newFrame(FrameType.PING, 0, 0, 8), newFrame(FrameType.DATA, 2, 1, 100)];
  for (const frame of new FrameReader().read(joined(frames))) {
    assert.equal(frame.buffer.byteLength, frame.length);
  }
});

Deno.test("FrameReader is not idle in the middle of a frame", () => {
  const frame = newFrame(FrameType.DATA, 2, 1, 100);
  for (const length of [1, 11, 12, 13, 111]) {
    const reader = new FrameReader();
    assert.deepEqual([...reader.read(frame.subarray(0, length))], []);
    assert(!reader.idle);
  }
});

Deno.test("FrameReader refuses a wrong header as soon as it is there, after the frames before it", () => {
  const good = newFrame(FrameType.PING, 0, 0, 8);
  const bad = newFrame(FrameType.DATA, 2, 1, MAX_PAYLOAD_BYTES + 1).subarray(0, 12);
  const read = new FrameReader().read(joined([good, bad]));
  assert.deepEqual(read.next().value, good);
  assert.throws(() => read.next(), FrameError);
});

Deno.test("FrameReader takes the largest frame", () => {
  const frame = newFrame(FrameType.DATA, 2, 1, MAX_PAYLOAD_BYTES);
  const reader = new FrameReader();
  const read = cut(frame, [1, 12, 40_000]).flatMap((chunk) => [...reader.read(chunk)]);
  assert.deepEqual(read, [frame]);
});

Deno.test("FrameReader throws nothing but FrameError for random bytes and never gives more than a frame", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), (chunks) => {
      const reader = new FrameReader();
      try {
        for (const chunk of chunks) {
          for (const frame of reader.read(chunk)) assert(frame.length <= MAX_FRAME_BYTES);
        }
      } catch (error) {
        assert(error instanceof FrameError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
