// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Code } from "../status.ts";
import { FrameType, HEADER_BYTES } from "./frame.ts";
import { byeFrame, endFrame, helloFrame, openFrame, pingFrame } from "./payload.ts";
import { CloseCode, Router, Session, transportPair } from "./session.ts";
import { ack, attack, cancel, credit, data, method, open } from "./testing/attack.ts";
import { Echo } from "./testing/echo_service.ts";
import { turn } from "./testing/linked.ts";
import { RawPeer } from "./testing/raw_peer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const KIB = 1024;

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
