// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeExecFrames, encodeExecFrame, type ExecFrame } from "./exec_frames.ts";

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.byteLength; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const frame: fc.Arbitrary<ExecFrame> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("stdout" as const, "stderr" as const),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ kind: fc.constant("exit" as const), exitCode: fc.integer({ min: 0, max: 255 }) }),
  fc.record({
    kind: fc.constant("error" as const),
    error: fc.record({ code: fc.string(), message: fc.string() }),
  }),
);

Deno.test("decodeExecFrames() gives back what was encoded, wherever the stream is cut", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(frame, { maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 }),
    async (frames, sizes) => {
      const bytes = new Uint8Array(await new Blob(frames.map(encodeExecFrame)).arrayBuffer());
      const decoded = await Array.fromAsync(decodeExecFrames(chunked(bytes, sizes)));
      assert.deepEqual(decoded.map(plain), frames.map(plain));
    },
  ));
});

function plain(frame: ExecFrame): unknown {
  return "data" in frame
    ? { ...frame, data: [...frame.data] }
    : { ...frame, ...("error" in frame ? { error: { ...frame.error } } : {}) };
}

Deno.test("decodeExecFrames() refuses a stream that ends inside a frame", async () => {
  const bytes = encodeExecFrame({ kind: "exit", exitCode: 3 });
  await assert.rejects(
    Array.fromAsync(decodeExecFrames(chunked(bytes.subarray(0, -1), [64]))),
    /ended inside a frame/,
  );
});

Deno.test("decodeExecFrames() refuses a frame that claims to be longer than any is", async () => {
  const bytes = new Uint8Array([1, 0xff, 0xff, 0xff, 0xff, 0]);
  await assert.rejects(Array.fromAsync(decodeExecFrames(chunked(bytes, [64]))), /no frame/);
});
