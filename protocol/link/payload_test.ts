// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Code } from "../status.ts";
import { decodeFrame, Flag, FrameError, FrameType, HEADER_BYTES, newFrame, writeU32 } from "./frame.ts";
import type { Frame } from "./frame.ts";
import {
  byeFrame,
  encodeMethodName,
  endFrame,
  helloFrame,
  openFrame,
  readBye,
  readEnd,
  readHello,
  readOpen,
} from "./payload.ts";

const HELLO = { oldest: 1, newest: 3, maxStreams: 256, maxMessage: 0xffff_ffff, window: 262_144 };

function frameOf(type: FrameType, payload: Uint8Array, flags = 0): Frame {
  const stream = type === FrameType.HELLO || type === FrameType.BYE ? 0 : 1;
  const frame = newFrame(type, flags, stream, payload.length);
  frame.set(payload, HEADER_BYTES);
  return decodeFrame(frame);
}

Deno.test("readHello() gives back what helloFrame() was given and skips what newer versions add", () => {
  const frame = helloFrame(HELLO);
  assert.deepEqual(readHello(decodeFrame(frame)), HELLO);
  const longer = new Uint8Array([...frame.subarray(HEADER_BYTES), 1, 2, 3]);
  assert.deepEqual(readHello(frameOf(FrameType.HELLO, longer)), HELLO);
});

Deno.test("readHello() refuses another protocol, reversed versions and a window outside the bounds", () => {
  const payload = helloFrame(HELLO).subarray(HEADER_BYTES);
  assert.throws(() => readHello(frameOf(FrameType.HELLO, new Uint8Array(20))), /not of the agent link/);
  assert.throws(() => readHello(decodeFrame(helloFrame({ ...HELLO, oldest: 4 }))), /versions 4 to 3/);
  for (const window of [0, 1024, 17 * 1024 * 1024]) {
    writeU32(payload, 16, window);
    assert.throws(
      () => readHello(frameOf(FrameType.HELLO, payload)),
      new RegExp(`window of ${window} bytes`),
    );
  }
});

Deno.test("readOpen() gives back what openFrame() was given", () => {
  fc.assert(fc.property(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
    fc.nat(0x7fff_ffff),
    fc.option(fc.uint8Array({ maxLength: 100 }), { nil: undefined }),
    fc.boolean(),
    (method, timeoutMs, message, last) => {
      const frame = openFrame(9, { method: encodeMethodName(method), timeoutMs, message, last });
      const open = readOpen(decodeFrame(frame));
      assert.deepEqual({ ...open, message: open.message && [...open.message] }, {
        method,
        timeoutMs,
        message: message && [...message],
        last,
      });
    },
  ));
});

Deno.test("readOpen() refuses a method name that does not fit, bytes without a message and an endless timeout", () => {
  const open = { method: encodeMethodName("a.B/C"), timeoutMs: 0, message: undefined, last: false };
  const payload = openFrame(1, open).slice(HEADER_BYTES);
  const change = (at: number, value: number) =>
    frameOf(FrameType.OPEN, payload.map((byte, i) => i === at ? value : byte));
  assert.throws(() => readOpen(change(5, 6)), /method name of 6 bytes/);
  assert.throws(() => readOpen(change(5, 0)), /method name of 0 bytes/);
  assert.throws(() => readOpen(change(4, 2)), /method name of 517 bytes/);
  assert.throws(() => readOpen(change(5, 4)), /1 bytes that belong to nothing/);
  assert.throws(() => readOpen(change(0, 0x80)), /timeout of 2147483648 ms/);
  assert.throws(() => readOpen(change(7, 0xff)), /not UTF-8/);
});

Deno.test("encodeMethodName() refuses a name of more than 512 bytes", () => {
  assert.throws(() => encodeMethodName("x".repeat(513)), /513 bytes long/);
});

Deno.test("readEnd() gives back what endFrame() was given", () => {
  fc.assert(fc.property(
    fc.nat(16),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.option(fc.uint8Array({ maxLength: 100 }), { nil: undefined }),
    (code, message, response) => {
      const sent = code === Code.OK ? response : undefined;
      const end = readEnd(decodeFrame(endFrame(5, { code: code as Code, message }, sent)));
      assert.deepEqual({ ...end, response: end.response && [...end.response] }, {
        code,
        message,
        response: sent && [...sent],
      });
    },
  ));
});

Deno.test("endFrame() cuts a status text at 8 KiB and between characters", () => {
  const { message } = readEnd(
    decodeFrame(endFrame(1, { code: Code.INTERNAL, message: "a" + "ä".repeat(100_000) })),
  );
  assert.equal(message, "a" + "ä".repeat(4095));
});

Deno.test("readEnd() refuses an unknown code, an error with a response and a text that does not fit", () => {
  assert.throws(() => readEnd(frameOf(FrameType.END, new Uint8Array([17, 0, 0]))), /unknown status code 17/);
  assert.throws(
    () => readEnd(frameOf(FrameType.END, new Uint8Array([5, 0, 0, 1]), Flag.MESSAGE)),
    /both an error and/,
  );
  assert.throws(
    () => readEnd(frameOf(FrameType.END, new Uint8Array([5, 0, 2, 65]))),
    /status text of 2 bytes/,
  );
  assert.throws(() => readEnd(frameOf(FrameType.END, new Uint8Array([5, 0, 1, 0xff]))), /not UTF-8/);
  assert.throws(
    () => readEnd(frameOf(FrameType.END, new Uint8Array([0, 0, 0, 1]))),
    /1 bytes that belong to nothing/,
  );
});

Deno.test("readBye() gives back what byeFrame() was given, cut at 1 KiB", () => {
  assert.deepEqual(readBye(decodeFrame(byeFrame({ code: 4001, reason: "because" }))), {
    code: 4001,
    reason: "because",
  });
  assert.equal(readBye(decodeFrame(byeFrame({ code: 1000, reason: "x".repeat(5000) }))).reason.length, 1024);
});

Deno.test("readOpen(), readEnd(), readHello() and readBye() throw nothing but FrameError for random payloads", () => {
  const readers: [FrameType, number, (frame: Frame) => unknown][] = [
    [FrameType.HELLO, 20, readHello],
    [FrameType.OPEN, 7, readOpen],
    [FrameType.END, 3, readEnd],
    [FrameType.BYE, 2, readBye],
  ];
  for (const [type, minLength, read] of readers) {
    const flags = type === FrameType.HELLO || type === FrameType.BYE
      ? fc.constant(0)
      : fc.constantFrom(0, Flag.MESSAGE);
    fc.assert(
      fc.property(fc.uint8Array({ minLength, maxLength: 80 }), flags, (payload, flag) => {
        // Small numbers first, so that lengths inside the payload are often plausible.
        payload.set(payload.subarray(0, 6).map((byte) => byte & 3));
        try {
          read(frameOf(type, payload, flag));
        } catch (error) {
          assert(error instanceof FrameError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  }
});
