// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { decodeFrame, FrameError, FrameType } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { KeepAlive } from "./keep_alive.ts";
import { FakeClock } from "./testing/fake_clock.ts";

function setUp() {
  const clock = new FakeClock();
  const pings: Frame[] = [];
  const silences: number[] = [];
  const keepAlive = new KeepAlive({
    intervalMs: 1000,
    timeoutMs: 3000,
    clock,
    send: (frame) => pings.push(decodeFrame(frame)),
    onSilence: (ms) => silences.push(ms),
  });
  return { clock, pings, silences, keepAlive };
}

Deno.test("KeepAlive reports a peer that never says anything after the timeout", () => {
  const { clock, silences } = setUp();
  clock.advance(2999);
  assert.deepEqual(silences, []);
  clock.advance(1);
  assert.deepEqual(silences, [3000]);
});

Deno.test("KeepAlive sends no ping while frames come", () => {
  const { clock, pings, silences, keepAlive } = setUp();
  for (let i = 0; i < 100; i++) {
    keepAlive.heard();
    clock.advance(500);
  }
  assert.deepEqual([pings.length, silences.length], [0, 0]);
  keepAlive.stop();
});

Deno.test("KeepAlive pings an idle peer and is content with each pong", () => {
  const { clock, pings, silences, keepAlive } = setUp();
  keepAlive.heard();
  for (let i = 0; i < 60; i++) {
    clock.advance(1000);
    const ping = pings.at(-1);
    if (pings.length > 0 && ping) {
      pings.length = 0;
      assert.equal(ping.type, FrameType.PING);
      keepAlive.heard();
      keepAlive.pong(ping.payload);
    }
  }
  assert.deepEqual(silences, []);
  keepAlive.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("KeepAlive notices a peer that falls silent within twice the interval plus the timeout", () => {
  const { clock, pings, silences, keepAlive } = setUp();
  keepAlive.heard();
  clock.advance(3000);
  keepAlive.heard();
  clock.advance(2 * 1000 + 3000);
  assert.deepEqual(silences, [3000]);
  assert.equal(pings.length, 1);
});

Deno.test("KeepAlive takes any frame for a sign of life after a ping", () => {
  const { clock, pings, silences, keepAlive } = setUp();
  keepAlive.heard();
  clock.advance(4000);
  assert.equal(pings.length, 1);
  clock.advance(2999);
  keepAlive.heard();
  clock.advance(1);
  assert.deepEqual(silences, []);
  keepAlive.stop();
});

Deno.test("KeepAlive refuses a pong that answers no ping", () => {
  const { clock, pings, keepAlive } = setUp();
  assert.throws(() => keepAlive.pong(new Uint8Array(8)), FrameError);
  keepAlive.heard();
  clock.advance(4000);
  const { payload } = pings[0]!;
  assert.throws(() => keepAlive.pong(payload.map((byte) => byte + 1)), FrameError);
  keepAlive.pong(payload);
  assert.throws(() => keepAlive.pong(payload), FrameError);
  keepAlive.stop();
});

Deno.test("KeepAlive sends no second ping while the first is unanswered, and still notices silence", () => {
  const { clock, pings, silences, keepAlive } = setUp();
  keepAlive.heard();
  clock.advance(4000);
  keepAlive.heard();
  clock.advance(3000);
  clock.advance(2000);
  assert.equal(pings.length, 1);
  clock.advance(3000);
  assert.deepEqual(silences, [3000]);
});
