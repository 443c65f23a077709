// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Budget } from "./flow.ts";
import { FrameError } from "./frame.ts";
import { Inbox } from "./inbox.ts";

const WINDOW = 262_144;

function setUp(options: { maxMessage?: number; maxBuffered?: number } = {}) {
  const budget = new Budget(options.maxBuffered ?? 10_000_000);
  const granted: number[] = [];
  let arrived = 0;
  const inbox = new Inbox({
    window: WINDOW,
    maxMessage: options.maxMessage ?? 1_000_000,
    budget,
    grant: (amount) => granted.push(amount),
    arrived: (cost) => arrived += cost,
  });
  return { inbox, budget, granted, arrived: () => arrived, sum: () => granted.reduce((a, b) => a + b, 0) };
}

function bytes(length: number, fill = 1): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(fill);
}

Deno.test("Inbox hands out messages in order, put together from their pieces", async () => {
  const { inbox } = setUp();
  inbox.accept(bytes(3, 1), false);
  inbox.accept(bytes(2, 2), true);
  inbox.accept(bytes(0), true);
  inbox.accept(bytes(1, 3), true);
  inbox.finish();
  assert.deepEqual(await inbox.take(), new Uint8Array([1, 1, 1, 2, 2]));
  assert.deepEqual(await inbox.take(), bytes(0));
  assert.deepEqual(await inbox.take(), bytes(1, 3));
  assert.equal(await inbox.take(), undefined);
  assert.equal(await inbox.take(), undefined);
});

Deno.test("Inbox serves a consumer that waits", async () => {
  const { inbox } = setUp();
  const first = inbox.take();
  const second = inbox.take();
  const third = inbox.take();
  inbox.accept(bytes(1, 1), true);
  inbox.accept(bytes(1, 2), true);
  inbox.finish();
  assert.deepEqual([await first, await second, await third], [bytes(1, 1), bytes(1, 2), undefined]);
});

Deno.test("Inbox gives credit back only for what the consumer took", async () => {
  const { inbox, granted, sum } = setUp();
  for (let i = 0; i < 4; i++) inbox.accept(bytes(60_000), true);
  assert.deepEqual(granted, []);
  assert.throws(() => inbox.accept(bytes(60_000), true), FrameError);
  for (let i = 0; i < 4; i++) await inbox.take();
  assert.equal(sum(), 2 * 120_128);
});

Deno.test("Inbox gives credit for a message larger than the window while it is the only one", async () => {
  const { inbox } = setUp();
  for (let i = 0; i < 15; i++) inbox.accept(bytes(60_000), i === 14);
  assert.equal((await inbox.take())?.length, 900_000);
});

Deno.test("Inbox gives no credit for a second unfinished message until the first is taken", async () => {
  const { inbox, granted } = setUp();
  inbox.accept(bytes(10), true);
  for (let i = 0; i < 4; i++) inbox.accept(bytes(60_000), false);
  assert.deepEqual(granted, []);
  assert.throws(() => inbox.accept(bytes(60_000), false), FrameError);
  await inbox.take();
  assert.deepEqual(granted, [240_330]);
});

Deno.test("Inbox refuses a message that is too large as soon as it is", () => {
  const { inbox } = setUp({ maxMessage: 100_000 });
  inbox.accept(bytes(60_000), false);
  assert.throws(() => inbox.accept(bytes(40_001), true), /message of more than 100000 bytes/);
});

Deno.test("Inbox refuses the end of a stream in the middle of a message, even an empty piece of one", () => {
  for (const length of [0, 5]) {
    const { inbox } = setUp();
    inbox.accept(bytes(length), false);
    assert.throws(() => inbox.finish(), /middle of a message/);
  }
});

Deno.test("Inbox counts a message until the next one is asked for", async () => {
  const { inbox, budget } = setUp();
  inbox.accept(bytes(100), true);
  inbox.accept(bytes(200), true);
  assert.equal(budget.used, 300 + 2 * 512);
  await inbox.take();
  assert.equal(budget.used, 300 + 2 * 512);
  await inbox.take(true);
  assert.equal(budget.used, 300 + 2 * 512);
  inbox.drop(undefined);
  assert.equal(budget.used, 0);
});

Deno.test("Inbox keeps nothing when the session's budget is spent", () => {
  const { inbox, budget } = setUp({ maxBuffered: 70_000 });
  assert(inbox.accept(bytes(60_000), true));
  assert(!inbox.accept(bytes(60_000), true));
  assert.equal(budget.used, 60_512);
});

Deno.test("Inbox gives an error after the messages before it, again and again", async () => {
  const { inbox, budget } = setUp();
  inbox.accept(bytes(1), true);
  inbox.accept(bytes(1), false);
  inbox.fail(new Error("gone"));
  inbox.fail(new Error("later"));
  assert.deepEqual(await inbox.take(), bytes(1));
  await assert.rejects(inbox.take(), /gone/);
  await assert.rejects(inbox.take(), /gone/);
  assert.equal(budget.used, 0);
});

Deno.test("Inbox that was dropped frees everything, still counts what comes and gives no credit for it", async () => {
  const { inbox, budget, granted, arrived } = setUp();
  const waiting = inbox.take();
  inbox.accept(bytes(1), true);
  assert.deepEqual(await waiting, bytes(1));
  inbox.accept(bytes(60_000), true);
  inbox.accept(bytes(10), false);
  inbox.drop(new Error("gone"));
  assert.equal(budget.used, 0);
  await assert.rejects(inbox.take(), /gone/);
  for (let i = 0; i < 3; i++) assert(inbox.accept(bytes(60_000), true));
  assert.throws(() => inbox.accept(bytes(60_000), true), FrameError);
  assert.deepEqual([budget.used, granted], [0, []]);
  assert.equal(arrived(), 240_011 + 6 * 64);
});

Deno.test("Inbox does not keep a large read buffer for a small message", async () => {
  const { inbox } = setUp();
  inbox.accept(new Uint8Array(65_536).subarray(100, 110), true);
  assert.equal((await inbox.take())?.buffer.byteLength, 10);
  const own = new Uint8Array(60_000);
  inbox.accept(own.subarray(12), true);
  assert.equal((await inbox.take())?.buffer, own.buffer);
});
