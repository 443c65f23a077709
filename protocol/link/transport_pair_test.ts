// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import type { TransportClose } from "./transport.ts";
import { transportPair } from "./transport_pair.ts";

function frame(first: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([first & 0xff, first >>> 8]);
}

function listen(transport: { onframe: unknown; onclose: unknown }) {
  const frames: number[] = [];
  const closes: TransportClose[] = [];
  const closed = Promise.withResolvers<TransportClose>();
  transport.onframe = ([low = 0, high = 0]: Uint8Array) => frames.push(low + (high << 8));
  transport.onclose = (why: TransportClose) => {
    closes.push(why);
    closed.resolve(why);
  };
  return { frames, closes, closed: closed.promise };
}

Deno.test("transportPair() delivers everything in order, later, and then the end", async () => {
  const [a, b] = transportPair();
  const { frames, closes, closed } = listen(b);
  for (let i = 0; i < 1000; i++) a.send(frame(i));
  assert.deepEqual(frames, []);
  assert.equal(a.bufferedBytes, 2000);
  a.close(1000, "done");
  a.send(frame(1000));
  assert.deepEqual(await closed, { code: 1000, reason: "done" });
  assert.deepEqual(frames, Array.from({ length: 1000 }, (_, i) => i));
  assert.equal(a.bufferedBytes, 0);
  b.close(4000, "too late");
  assert.equal(closes.length, 1);
});

Deno.test("transportPair() keeps what comes before anybody listens", async () => {
  const [a, b] = transportPair();
  a.send(frame(1));
  a.close(4001, "gone");
  await Promise.resolve();
  const { frames, closed } = listen(b);
  assert.deepEqual(await closed, { code: 4001, reason: "gone" });
  assert.deepEqual(frames, [1]);
});

Deno.test("transportPair() delivers nothing to the side that closed but its own end", async () => {
  const [a, b] = transportPair();
  const { frames, closed } = listen(a);
  b.send(frame(1));
  a.close(1000, "enough");
  b.send(frame(2));
  assert.equal((await closed).reason, "enough");
  assert.deepEqual(frames, []);
  assert.equal(b.bufferedBytes, 0);
});

Deno.test("transportPair() lets timers run while frames go back and forth without end", async () => {
  const [a, b] = transportPair();
  a.onframe = () => a.send(frame(1));
  b.onframe = () => b.send(frame(2));
  a.send(frame(0));
  await new Promise((resolve) => setTimeout(resolve, 0));
  const closed = new Promise((resolve) => b.onclose = resolve);
  a.close(1000, "done");
  await closed;
});
