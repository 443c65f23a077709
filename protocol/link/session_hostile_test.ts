// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Code } from "../status.ts";
import { Flag, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, newFrame } from "./frame.ts";
import {
  amountFrame,
  byeFrame,
  dataFrame,
  encodeMethodName,
  endFrame,
  helloFrame,
  openFrame,
  pingFrame,
} from "./payload.ts";
import { CloseCode, Router, Session, transportPair } from "./session.ts";
import type { Limits, SessionOptions } from "./session.ts";
import { Echo } from "./testing/echo_service.ts";
import { FakeClock } from "./testing/fake_clock.ts";
import { turn } from "./testing/linked.ts";
import { RawPeer } from "./testing/raw_peer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const KIB = 1024;

function method(name: string): Uint8Array {
  return encodeMethodName(`infranetes.link.testing.Echo/${name}`);
}

/** OPEN of the peer without a request yet. */
function open(stream: number, name = "Chat"): Bytes {
  return openFrame(stream, { method: method(name), timeoutMs: 0, message: undefined, last: false });
}

function cancel(stream: number): Bytes {
  return newFrame(FrameType.CANCEL, 0, stream, 0);
}

function credit(stream: number, amount: number): Bytes {
  return amountFrame(FrameType.CREDIT, stream, amount);
}

function ack(amount: number): Bytes {
  return amountFrame(FrameType.ACK, 0, amount);
}

/** A message of the peer in one frame; protobuf's BytesValue with nothing in it is no bytes at all. */
function data(stream: number, length: number, flags: number = Flag.MESSAGE): Bytes {
  return dataFrame(stream, flags, new Uint8Array(length));
}

/** Handlers that wait until their call is over, and count how many do. */
function stuckRouter() {
  let running = 0;
  const wait = async (signal: AbortSignal) => {
    running += 1;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    running -= 1;
    throw signal.reason;
  };
  const router = new Router().service(Echo, {
    say: (_, { signal }) => wait(signal),
    upload: (_, { signal }) => wait(signal),
    // deno-lint-ignore require-yield
    chat: async function* (_, { signal }) {
      await wait(signal);
    },
    download: async function* ({ value }) {
      const chunk = { value: new Uint8Array(60_000) };
      for (let i = 0; i < value; i++) yield await Promise.resolve(chunk);
    },
  });
  return { router, running: () => running };
}

function attack(options: Partial<SessionOptions> & { limits?: Partial<Limits> } = {}) {
  const [a, b] = transportPair();
  const { router, running } = stuckRouter();
  const clock = new FakeClock();
  const session = new Session(a, { role: "listener", router, clock, ...options });
  return { session, peer: new RawPeer(b), running, clock };
}

const OK = { code: Code.OK, message: "" } as const;

/** What a peer does after its HELLO, and what it is told. The session's one call is stream 2. */
const VIOLATIONS: [string, Bytes[], number, RegExp][] = [
  [
    "HELLO twice",
    [helloFrame({ oldest: 1, newest: 1, maxStreams: 1, maxMessage: 1, window: 262_144 })],
    4001,
    /twice/,
  ],
  ["a stream of this side", [open(4)], 4001, /id of this side/],
  ["the same stream twice", [open(5), open(5)], 4001, /stream 5 after 5/],
  ["streams in falling order", [open(5), open(3)], 4001, /stream 3 after 5/],
  ["DATA on a stream that was never opened", [data(7, 1)], 4001, /Stream is not open/],
  ["DATA on a call that was never made", [data(8, 1)], 4001, /Stream is not open/],
  ["END of a call that was never made", [endFrame(8, OK)], 4001, /Call is not open/],
  ["END of its own call", [open(1), endFrame(1, OK)], 4001, /Call is not open/],
  ["END twice", [endFrame(2, OK), endFrame(2, OK)], 4001, /Call is not open/],
  ["DATA after END", [endFrame(2, OK), data(2, 1)], 4001, /Stream is not open/],
  ["END in the middle of a response", [data(2, 1, 0), endFrame(2, OK)], 4001, /middle of a message/],
  ["the flag LAST on a response", [data(2, 1, Flag.MESSAGE | Flag.LAST)], 4001, /callee has the flag LAST/],
  ["DATA after LAST", [open(1), data(1, 0, Flag.LAST), data(1, 1)], 4001, /after the caller's last/],
  [
    "LAST in the middle of a request",
    [open(1), data(1, 1, 0), data(1, 0, Flag.LAST)],
    4001,
    /middle of a message/,
  ],
  ["DATA after CANCEL", [open(1), cancel(1), data(1, 1)], 4001, /after the caller's last/],
  ["CANCEL twice", [open(1), cancel(1), cancel(1)], 4001, /CANCEL frame came twice/],
  ["CANCEL of a stream that was never opened", [cancel(1)], 4001, /never opened/],
  ["CANCEL of a call of this side", [cancel(2)], 4001, /Callee cannot cancel/],
  ["CREDIT for a stream that was never opened", [credit(9, 65_536)], 4001, /never opened/],
  ["CREDIT for a call that was never made", [credit(10, 65_536)], 4001, /never opened/],
  ["CREDIT beyond the largest window", [open(1), credit(1, 0xffff_ffff)], 4001, /raises the credit/],
  ["CREDIT in crumbs", [open(1), credit(1, 100)], 4003, /gives back only 100/],
  ["ACK of what was never sent", [ack(200_000)], 4001, /of 64 that were sent/],
  ["ACK in crumbs", [ack(1)], 4003, /acknowledges only 1/],
  ["PONG without a ping", [newFrame(FrameType.PONG, 0, 0, 8)], 4001, /answers no ping/],
  ["more than its credit", [open(1), ...Array.from({ length: 5 }, () => data(1, 60_000))], 4002, /credit of/],
  [
    "more than its credit in empty messages",
    [open(1), ...Array.from({ length: 4097 }, () => data(1, 0))],
    4002,
    /credit of 0/,
  ],
  [
    "a response of more than its credit",
    Array.from({ length: 20 }, () => data(2, 60_000)),
    4002,
    /credit of/,
  ],
  ["a type that does not exist", [newFrame(11 as FrameType, 0, 0, 0)], 4001, /unknown type 11/],
  [
    "a frame that is too long",
    [newFrame(FrameType.DATA, 2, 1, MAX_PAYLOAD_BYTES + 1)],
    4001,
    /claims a payload of 65525/,
  ],
  ["half a frame", [data(1, 100).slice(0, 50)], 4001, /claims a payload of 100 bytes and has 38/],
  [
    "an endless timeout",
    [openFrame(1, { method: method("Say"), timeoutMs: 2 ** 31, message: undefined, last: true })],
    4001,
    /timeout/,
  ],
  [
    "an unknown status",
    [newFrame(FrameType.END, 0, 2, 3).map((byte, i) => i === HEADER_BYTES ? 99 : byte)],
    4001,
    /status code 99/,
  ],
];

for (const [name, frames, code, reason] of VIOLATIONS) {
  Deno.test(`Session cuts off a peer that sends ${name}`, async () => {
    const { session, peer } = attack();
    peer.hello();
    const call = session.client(Echo).say({ value: new Uint8Array(0) });
    const failed = assert.rejects(call);
    await peer.next(FrameType.OPEN);
    peer.send(...frames);
    const end = await session.closed;
    assert.equal(end.by, "local");
    assert.match(end.reason, reason);
    assert.equal(end.code, code);
    await failed;
    const bye = await peer.next(FrameType.BYE);
    assert.match(new TextDecoder().decode(bye.payload.subarray(2)), reason);
    assert.equal((await peer.closed).code, code);
    assert.equal(session.usage.receivedBytes, 0);
  });
}

for (
  const [name, frame, code, reason] of [
    ["something before HELLO", pingFrame(1), 4001, /before HELLO/],
    [
      "another protocol",
      new Uint8Array(new TextEncoder().encode("GET / HTTP/1.1\r\n")),
      4001,
      /unknown type 71/,
    ],
    [
      "only newer versions",
      helloFrame({ oldest: 2, newest: 9, maxStreams: 1, maxMessage: 1, window: 262_144 }),
      4006,
      /Peer speaks link protocol 2 to 9, this side 1 to 1/,
    ],
  ] as const
) {
  Deno.test(`Session cuts off a peer that begins with ${name}`, async () => {
    const { session, peer } = attack();
    peer.send(frame);
    const end = await session.closed;
    assert.match(end.reason, reason);
    assert.equal(end.code, code);
  });
}

Deno.test("Session cuts off a peer that says nothing, and then leaves no timer behind", async () => {
  const { session, clock } = attack({ keepAlive: { intervalMs: 100, timeoutMs: 300 } });
  clock.advance(300);
  assert.deepEqual(await session.closed, {
    by: "local",
    code: CloseCode.SILENT,
    reason: "Nothing was heard from the peer for 300 ms",
  });
  assert.equal(clock.pending, 0);
});

Deno.test("Session answers a ping with the same bytes, and cuts off a peer that sends a million", async () => {
  const { session, peer } = attack();
  peer.hello();
  peer.send(pingFrame(77));
  assert.deepEqual((await peer.next(FrameType.PONG)).payload, pingFrame(77).subarray(HEADER_BYTES));
  for (let i = 0; i < 1_000_000 && !session.end; i++) {
    peer.send(pingFrame(i));
    if (i % 50 === 0) await turn();
  }
  assert.equal((await session.closed).code, CloseCode.FLOOD);
  await peer.closed;
  assert.equal(peer.of(FrameType.PONG).length, 1000);
});

Deno.test("Session cuts off a peer that cancels and gives credit for streams that are over, a million times", async () => {
  for (const frame of [cancel(1), credit(1, 65_536)]) {
    const { session, peer } = attack();
    peer.hello();
    peer.send(openFrame(1, { method: method("Missing"), timeoutMs: 0, message: undefined, last: true }));
    await peer.next(FrameType.END);
    for (let i = 0; i < 1_000_000 && !session.end; i++) {
      peer.send(frame);
      if (i % 50 === 0) await turn();
    }
    assert.match((await session.closed).reason, /more than 1000 idle frames a second/);
  }
});

Deno.test("Session cuts off a peer that opens streams and never finishes, and no handler is left", async () => {
  const { session, peer, running } = attack({ limits: { maxStreams: 50 } });
  peer.hello();
  for (let i = 0; i < 51; i++) peer.send(open(2 * i + 1));
  const end = await session.closed;
  assert.equal(end.code, CloseCode.FLOOD);
  assert.match(end.reason, /more than 50 streams at a time/);
  await Promise.resolve();
  assert.equal(running(), 0);
});

Deno.test("Session counts streams whose handler still runs after CANCEL: a peer cannot pile up handlers", async () => {
  const [a, b] = transportPair();
  let started = 0;
  const release = Promise.withResolvers<void>();
  const router = new Router().service(Echo, {
    say: async () => {
      started += 1;
      await release.promise;
      return {};
    },
  });
  const session = new Session(a, { role: "listener", router, limits: { maxStreams: 10 } });
  const peer = new RawPeer(b);
  peer.hello();
  const say = (stream: number) =>
    openFrame(stream, { method: method("Say"), timeoutMs: 0, message: new Uint8Array(0), last: true });
  for (let i = 0; i < 100; i++) peer.send(say(2 * i + 1), cancel(2 * i + 1));
  assert.equal((await session.closed).code, CloseCode.FLOOD);
  assert(started === 9 || started === 10, `${started} handlers were started`);
  release.resolve();
});

Deno.test("Session cuts off a peer that calls too often, however short the calls are", async () => {
  const { session, peer } = attack({ limits: { maxCallsPerSecond: 100 } });
  peer.hello();
  for (let i = 0; i < 101; i++) {
    peer.send(
      openFrame(2 * i + 1, { method: method("Missing"), timeoutMs: 0, message: undefined, last: true }),
    );
  }
  assert.match((await session.closed).reason, /more than 100 calls a second/);
});

Deno.test("Session ends the stream that would exceed its memory, keeps the others and the bound", async () => {
  const maxBuffered = 1024 * KIB;
  const { session, peer } = attack({ limits: { maxBuffered } });
  peer.hello();
  for (let stream = 1; stream <= 21; stream += 2) {
    peer.send(open(stream), data(stream, 60_000), data(stream, 60_000));
    await turn();
    assert(session.usage.receivedBytes <= maxBuffered);
  }
  const ends = peer.of(FrameType.END).map(({ stream, payload }) => [stream, payload[0]]);
  assert.deepEqual(ends, [17, 19, 21].map((stream) => [stream, Code.RESOURCE_EXHAUSTED]));
  assert.equal(session.end, undefined);
  peer.close();
  await session.closed;
  assert.equal(session.usage.receivedBytes, 0);
});

Deno.test("Session fails its own call when the response would exceed its memory", async () => {
  const { session, peer } = attack({ limits: { maxBuffered: 100 * KIB } });
  peer.hello();
  const call = session.client(Echo).say({});
  await peer.next(FrameType.OPEN);
  peer.send(data(2, 60_000, 0), data(2, 60_000));
  await assert.rejects(call, { code: Code.RESOURCE_EXHAUSTED });
  await peer.next(FrameType.CANCEL);
  assert.equal(session.usage.receivedBytes, 0);
  assert.equal(session.usage.outgoingCalls, 1);
  peer.send(endFrame(2, { code: Code.CANCELLED, message: "" }));
  await turn();
  assert.equal(session.usage.outgoingCalls, 0);
  peer.close();
  await session.closed;
});

Deno.test("Session sends no more than what is in flight to a peer that acknowledges nothing, whatever credit it gives", async () => {
  const { session, peer } = attack();
  peer.hello({ window: 16 * 1024 * KIB });
  const request = new Uint8Array([8, 200, 1]); // UInt32Value 200
  for (let stream = 1; stream <= 101; stream += 2) {
    peer.send(openFrame(stream, { method: method("Download"), timeoutMs: 0, message: request, last: true }));
  }
  await peer.next(FrameType.DATA);
  await turn();
  const sent = peer.received.reduce((sum, { length }) => sum + length + HEADER_BYTES, 0);
  assert(sent <= 512 * KIB, `${sent} bytes were sent`);
  assert.equal(session.usage.incomingCalls, 51);
  peer.close();
  await session.closed;
});

Deno.test("Session ends when the peer lets its answers pile up in the transport", async () => {
  const [a, b] = transportPair();
  const session = new Session(a, { role: "listener", limits: { maxTransportBacklog: 1024 * KIB } });
  // Nobody listens at the other end: what is sent stays in the transport.
  const send = (frame: Bytes) => b.send(frame);
  send(helloFrame({ oldest: 1, newest: 1, maxStreams: 256, maxMessage: 1024, window: 262_144 }));
  for (let i = 0; i < 20_000 && !session.end; i++) {
    send(openFrame(2 * i + 1, { method: method("Missing"), timeoutMs: 0, message: undefined, last: true }));
    if (i % 50 === 0) await turn();
  }
  const end = await session.closed;
  assert.equal(end.code, CloseCode.NOT_READING);
  assert(session.usage.transportBytes <= 1024 * KIB + 2048);
});

Deno.test("Session refuses to send a peer more than it accepts", async () => {
  const { session, peer } = attack();
  peer.hello({ maxMessage: 1000 });
  await assert.rejects(session.client(Echo).say({ value: new Uint8Array(2000) }), {
    code: Code.RESOURCE_EXHAUSTED,
    message: /Request of 2003 bytes is larger than the 1000/,
  });
  assert.equal(session.usage.outgoingCalls, 0);
  peer.close();
  await session.closed;
});

Deno.test("Session makes no more calls than the peer allows", async () => {
  const { session, peer } = attack();
  peer.hello({ maxStreams: 2 });
  const { say } = session.client(Echo);
  const calls = [say({}), say({})];
  const failed = Promise.allSettled(calls);
  await peer.next(FrameType.OPEN);
  await assert.rejects(say({}), { code: Code.RESOURCE_EXHAUSTED, message: /2 calls are open/ });
  peer.close();
  await failed;
});

Deno.test("Session survives a close code that no WebSocket may send", async () => {
  const { session, peer } = attack();
  peer.send(byeFrame({ code: 1006, reason: "nonsense" }));
  assert.deepEqual(await session.closed, { by: "peer", code: 1006, reason: "nonsense" });
  assert.equal((await peer.closed).code, CloseCode.NORMAL);
});

Deno.test("Session ends or goes on, within its bounds and without a stray rejection, whatever frames come", async () => {
  const stream = fc.integer({ min: 1, max: 8 });
  const anyFrame = fc.oneof(
    stream.map((id) => open(id)),
    stream.map((id) =>
      openFrame(id, { method: method("Say"), timeoutMs: 5, message: new Uint8Array(0), last: true })
    ),
    stream.map((id) =>
      openFrame(id, { method: method("Download"), timeoutMs: 0, message: new Uint8Array([8, 3]), last: true })
    ),
    fc.tuple(stream, fc.nat(70), fc.nat(3)).map(([id, length, flags]) => data(id, length * 900, flags)),
    fc.tuple(stream, fc.nat(16)).map(([id, code]) => endFrame(id, { code: code as Code, message: "x" })),
    stream.map(cancel),
    fc.tuple(stream, fc.nat(400_000)).map(([id, amount]) => credit(id, amount)),
    fc.nat(400_000).map(ack),
    fc.nat(5).map(pingFrame),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => new Uint8Array(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { maxLength: 40 }), async (frames) => {
      const maxBuffered = 200 * KIB;
      const { session, peer, running, clock } = attack({ limits: { maxBuffered } });
      peer.hello();
      const calls = Promise.allSettled([session.client(Echo).say({}), session.client(Echo).upload(one())]);
      await peer.next(FrameType.OPEN);
      for (const frame of frames) {
        peer.send(frame);
        await Promise.resolve();
        assert(session.usage.receivedBytes <= maxBuffered);
      }
      peer.close();
      await session.closed;
      await calls;
      assert.equal(session.usage.receivedBytes, 0);
      assert.equal(running(), 0);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 500 },
  );
});

async function* one() {
  yield await Promise.resolve({ value: new Uint8Array(100_000) });
}
