// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { ACK_STEP, InFlight, SendWindow } from "./flow.ts";
import { decodeFrame, Flag } from "./frame.ts";
import { Outbox } from "./outbox.ts";
import { Scheduler } from "./scheduler.ts";

const MIB = 1024 * 1024;

function setUp(maxInFlight: number) {
  const inFlight = new InFlight(maxInFlight);
  const sent: { stream: number; length: number; complete: boolean }[] = [];
  let bytes = 0;
  const scheduler = new Scheduler(inFlight, ({ frame, cost }) => {
    inFlight.sent(cost);
    bytes += cost;
    const { stream, length, flags } = decodeFrame(frame);
    sent.push({ stream, length, complete: (flags & Flag.MESSAGE) !== 0 });
  });
  const acknowledge = (amount: number) => {
    inFlight.acknowledged(amount);
    scheduler.pump();
  };
  const outbox = (stream: number, credit = 16 * MIB) => new Outbox(stream, new SendWindow(credit), scheduler);
  return { scheduler, sent, acknowledge, outbox, bytes: () => bytes };
}

Deno.test("Scheduler cuts a message into frames and tells when the last is out", () => {
  const { outbox, sent } = setUp(MIB);
  assert.equal(outbox(1).write(new Uint8Array(150_000)), undefined);
  assert.deepEqual(sent.map(({ length, complete }) => [length, complete]), [
    [65_524, false],
    [65_524, false],
    [18_952, true],
  ]);
});

Deno.test("Scheduler sends an empty message as one frame", () => {
  const { outbox, sent } = setUp(MIB);
  outbox(1).write(new Uint8Array(0));
  assert.deepEqual(sent, [{ stream: 1, length: 0, complete: true }]);
});

Deno.test("Scheduler keeps no more in flight than its limit and goes on when that is acknowledged", async () => {
  const { outbox, bytes, acknowledge } = setUp(512 * 1024);
  const writing = outbox(1).write(new Uint8Array(2 * MIB));
  assert(bytes() <= 512 * 1024 && bytes() > 448 * 1024, `${bytes()}`);
  let before = 0;
  while (bytes() < 2 * MIB) {
    assert(bytes() > before);
    before = bytes();
    acknowledge(Math.max(ACK_STEP, 256 * 1024));
  }
  await writing;
});

Deno.test("Scheduler gives each stream its turn, frame by frame", () => {
  const { outbox, sent, acknowledge } = setUp(4 * 65_536);
  for (const stream of [1, 3, 5]) outbox(stream).write(new Uint8Array(10 * 65_524));
  while (sent.length < 24) acknowledge(ACK_STEP);
  // The first had the link to itself until the others came.
  const streams = sent.slice(3).map(({ stream }) => stream);
  for (let i = 0; i + 3 <= streams.length; i += 3) {
    assert.deepEqual(streams.slice(i, i + 3).toSorted(), [1, 3, 5]);
  }
});

Deno.test("Scheduler lets others pass a stream without credit, which goes on when it has some", async () => {
  const { outbox, sent } = setUp(8 * MIB);
  const poor = outbox(1, 131_072);
  const writing = poor.write(new Uint8Array(200_000));
  outbox(3).write(new Uint8Array(65_524));
  assert.deepEqual(sent.map(({ stream }) => stream), [1, 1, 3]);
  poor.grant(131_072);
  await writing;
  assert.equal(
    sent.filter(({ stream }) => stream === 1).reduce((sum, { length }) => sum + length, 0),
    200_000,
  );
});

Deno.test("Outbox that failed sends no more and rejects the message under way and every later one", async () => {
  const { outbox, sent, acknowledge } = setUp(4 * 65_536);
  const first = outbox(1);
  const writing = first.write(new Uint8Array(MIB));
  const count = sent.length;
  first.fail(new Error("call is over"));
  first.fail(new Error("second reason"));
  await assert.rejects(writing!, /call is over/);
  await assert.rejects(first.write(new Uint8Array(1))!, /call is over/);
  acknowledge(ACK_STEP);
  assert.equal(sent.length, count);
});

Deno.test("Outbox refuses a message while another is under way", () => {
  const { outbox } = setUp(4 * 65_536);
  const first = outbox(1);
  void first.write(new Uint8Array(MIB));
  assert.throws(() => first.write(new Uint8Array(1)), /previous one is not sent/);
});
