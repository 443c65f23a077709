// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Code, RpcError } from "../status.ts";
import { Flag, FrameType } from "./frame.ts";
import { dataFrame, encodeMethodName, openFrame } from "./payload.ts";
import { Router, Session, transportPair } from "./session.ts";
import { Echo } from "./testing/echo_service.ts";
import { FakeClock } from "./testing/fake_clock.ts";
import { aborted, bytes, chunks, collect, link, rejectsWith, turn } from "./testing/linked.ts";
import { RawPeer } from "./testing/raw_peer.ts";

Deno.test("A call made before the peer's HELLO waits for it", async () => {
  const [a, b] = transportPair();
  const dialer = new Session(a, { role: "dialer" });
  const call = dialer.client(Echo).say({ value: bytes(3) });
  await turn();
  const listener = new Session(b, {
    role: "listener",
    router: new Router().service(Echo, { say: (request) => request }),
  });
  assert.deepEqual((await call).value, bytes(3));
  listener.close("Test is over");
  await dialer.closed;
});

Deno.test("A call that waits for the peer's HELLO can be cancelled, time out and fail with the session", async () => {
  const clock = new FakeClock();
  const [a, b] = transportPair();
  const session = new Session(a, { role: "dialer", clock, limits: { maxStreams: 3 } });
  const { say } = session.client(Echo);
  const controller = new AbortController();
  const cancelled = say({}, { signal: controller.signal });
  const late = say({}, { timeoutMs: 50 });
  const failed = say({});
  await rejectsWith(say({}), Code.RESOURCE_EXHAUSTED, /3 calls are open/);
  controller.abort();
  await rejectsWith(cancelled, Code.CANCELLED, /abort/i);
  clock.advance(50);
  await rejectsWith(late, Code.DEADLINE_EXCEEDED, /within 50 ms/);
  session.close("Going down");
  await rejectsWith(failed, Code.UNAVAILABLE, /Going down/);
  const peer = new RawPeer(b);
  await peer.closed;
  assert.deepEqual(peer.received.map(({ type }) => type), [FrameType.HELLO, FrameType.BYE]);
  assert.equal(clock.pending, 0);
});

Deno.test("A call that cannot begin sends nothing", async () => {
  using linked = link({ say: (request) => request });
  const { say } = linked.echo;
  await rejectsWith(say({}, { signal: AbortSignal.abort() }), Code.CANCELLED, /abort/i);
  await rejectsWith(say({}, { timeoutMs: 0 }), Code.DEADLINE_EXCEEDED, /after its deadline/);
  await rejectsWith(say({}, { timeoutMs: -5 }), Code.DEADLINE_EXCEEDED, /after its deadline/);
  await assert.rejects(say({}, { timeoutMs: 2 ** 31 }), RangeError);
  await assert.rejects(say({}, { timeoutMs: NaN }), RangeError);
  assert.equal(linked.dialer.usage.outgoingCalls, 0);
});

Deno.test("A call takes the status of the error that its signal aborts with", async () => {
  using linked = link({ say: (_, { signal }) => aborted(signal).then(() => ({})) });
  const failing = (reason: unknown) => {
    const controller = new AbortController();
    const call = linked.echo.say({}, { signal: controller.signal });
    controller.abort(reason);
    return call;
  };
  await rejectsWith(
    failing(new DOMException("Too slow", "TimeoutError")),
    Code.DEADLINE_EXCEEDED,
    /Too slow/,
  );
  await rejectsWith(failing(new RpcError(Code.ABORTED, "Superseded")), Code.ABORTED, /Superseded/);
  await rejectsWith(failing(new Error("Whatever")), Code.CANCELLED, /Whatever/);
});

Deno.test("The callee keeps the deadline too, and answers once its handler has stopped", async () => {
  const clock = new FakeClock();
  const [a, b] = transportPair();
  const stop = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<AbortSignal>();
  const router = new Router().service(Echo, {
    say: async (_, { signal }) => {
      seen.resolve(signal);
      await stop.promise;
      return {};
    },
  });
  const session = new Session(a, { role: "listener", router, clock });
  const peer = new RawPeer(b);
  peer.hello();
  const method = encodeMethodName("infranetes.link.testing.Echo/Say");
  peer.send(openFrame(1, { method, timeoutMs: 40, message: bytes(0), last: true }));
  const signal = await seen.promise;
  clock.advance(40);
  assert(signal.aborted);
  await turn();
  assert.equal(session.usage.incomingCalls, 1);
  assert.deepEqual(peer.of(FrameType.END), []);
  stop.resolve();
  const { payload } = await peer.next(FrameType.END);
  assert.equal(payload[0], Code.DEADLINE_EXCEEDED);
  assert.match(new TextDecoder().decode(payload), /not finished within 40 ms/);
  assert.equal(session.usage.incomingCalls, 0);
  peer.close();
  await session.closed;
  assert.equal(clock.pending, 0);
});

Deno.test("A call that was cancelled keeps its stream until the callee has stopped", async () => {
  const stop = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  using linked = link({
    say: async (_, { signal }) => {
      await aborted(signal);
      await stop.promise;
      stopped.resolve();
      return {};
    },
  });
  const controller = new AbortController();
  const call = linked.echo.say({}, { signal: controller.signal });
  await turn();
  controller.abort();
  await rejectsWith(call, Code.CANCELLED, /abort/i);
  await turn();
  assert.deepEqual([linked.dialer.usage.outgoingCalls, linked.listener.usage.incomingCalls], [1, 1]);
  stop.resolve();
  await stopped.promise;
  await turn();
  assert.deepEqual([linked.dialer.usage.outgoingCalls, linked.listener.usage.incomingCalls], [0, 0]);
});

Deno.test("A call fails with the error of the iterable that gives its requests", async () => {
  const seen = Promise.withResolvers<unknown>();
  using linked = link({
    upload: async (requests, { signal }) => {
      await collect(requests).catch(() => {});
      seen.resolve(await aborted(signal));
      return {};
    },
  });
  async function* broken() {
    yield await Promise.resolve({ value: bytes(10) });
    throw Object.assign(new Error("Disk is gone"), { grpcCode: Code.DATA_LOSS });
  }
  await rejectsWith(linked.echo.upload(broken()), Code.DATA_LOSS, /Disk is gone/);
  assert.equal((await seen.promise as RpcError).code, Code.CANCELLED);
});

Deno.test("A call that ends early stops the iterable that gives its requests", async () => {
  using linked = link({ upload: () => ({ value: 1 }), chat: () => chunks(2, 10) });
  for (
    const run of [
      (input: Inputs) => linked.echo.upload(input),
      (input: Inputs) => collect(linked.echo.chat(input)),
    ]
  ) {
    const stopped = Promise.withResolvers<void>();
    const input = (async function* () {
      try {
        for (;;) yield await Promise.resolve({ value: bytes(50_000) });
      } finally {
        stopped.resolve();
      }
    })();
    await run(input);
    await stopped.promise;
  }
  await turn();
  assert.deepEqual([linked.dialer.usage.outgoingCalls, linked.listener.usage.incomingCalls], [0, 0]);
});
type Inputs = AsyncIterable<{ value: Uint8Array<ArrayBuffer> }>;

Deno.test("A handler that stops reading its requests can still answer", async () => {
  using linked = link({
    upload: async (requests) => {
      for await (const { value } of requests) return { value: value.length };
      return {};
    },
    chat: async function* (requests) {
      for await (const _ of requests) break;
      yield* chunks(3, 100_000);
    },
  });
  assert.equal((await linked.echo.upload(chunks(1000, 50_000))).value, 50_000);
  assert.equal((await collect(linked.echo.chat(chunks(1000, 50_000)))).length, 3);
  assert.equal(linked.listener.usage.receivedBytes, 0);
});

Deno.test("Responses can be iterated only once, and not iterating makes no call", async () => {
  let calls = 0;
  using linked = link({
    download: ({ value }) => {
      calls += 1;
      return chunks(value, 10);
    },
  });
  linked.echo.download({ value: 1 });
  const responses = linked.echo.download({ value: 2 });
  assert.equal((await collect(responses)).length, 2);
  await assert.rejects(collect(responses), /only once/);
  assert.equal(calls, 1);
});

Deno.test("Responses that came before an error or an end of the session are given first", async () => {
  const sent = Promise.withResolvers<void>();
  using linked = link({
    download: async function* () {
      yield* chunks(3, 10);
      sent.resolve();
      throw new RpcError(Code.NOT_FOUND, "No more");
    },
  });
  const iterator = linked.echo.download({ value: 0 })[Symbol.asyncIterator]();
  assert(!(await iterator.next()).done);
  await sent.promise;
  await turn();
  assert(!(await iterator.next()).done);
  assert(!(await iterator.next()).done);
  await rejectsWith(iterator.next(), Code.NOT_FOUND, /No more/);
  assert((await iterator.next()).done);
});

Deno.test("A request that is not what the method takes is INVALID_ARGUMENT, and the session lives", async () => {
  const [a, b] = transportPair();
  const session = new Session(a, {
    role: "listener",
    router: new Router().service(Echo, { say: (request) => request }),
  });
  const peer = new RawPeer(b);
  peer.hello();
  const method = encodeMethodName("infranetes.link.testing.Echo/Say");
  const garbage = new Uint8Array([0x0a, 0xff]);
  peer.send(openFrame(1, { method, timeoutMs: 0, message: garbage, last: true }));
  assert.equal((await peer.next(FrameType.END)).payload[0], Code.INVALID_ARGUMENT);
  peer.send(openFrame(3, { method, timeoutMs: 0, message: undefined, last: true }));
  const { payload } = await peer.next(FrameType.END);
  assert.match(new TextDecoder().decode(payload), /ended without its google.protobuf.BytesValue/);
  assert.equal(session.end, undefined);
  peer.close();
  await session.closed;
});

Deno.test("A handler's error with status OK is INTERNAL", async () => {
  using linked = link({ say: () => Promise.reject(new RpcError(Code.OK, "fine")) });
  await rejectsWith(linked.echo.say({}), Code.INTERNAL, /status OK: fine/);
});

Deno.test("A response larger than the caller accepts is RESOURCE_EXHAUSTED, and the session lives", async () => {
  const [a, b] = transportPair();
  const dialer = new Session(a, { role: "dialer", limits: { maxMessage: 2048 } });
  new Session(b, {
    role: "listener",
    router: new Router().service(Echo, {
      say: () => ({ value: bytes(5000) }),
      download: () => chunks(1, 5000),
    }),
  });
  const echo = dialer.client(Echo);
  await rejectsWith(echo.say({}), Code.RESOURCE_EXHAUSTED, /Response of 5003 bytes is larger than the 2048/);
  await rejectsWith(collect(echo.download({})), Code.RESOURCE_EXHAUSTED, /5003 bytes/);
  assert.equal(dialer.end, undefined);
  dialer.close("Test is over");
});

Deno.test("Router refuses a second handler of a method and what is not a function", () => {
  const router = new Router().service(Echo, { say: (request) => request });
  assert.throws(() => router.service(Echo, { say: (request) => request }), /second handler of .*Echo\/Say/);
  assert.throws(() => new Router().service(Echo, { say: 5 as never }), /Echo\/Say is not a function/);
});

Deno.test("Router calls handlers as methods of the object they belong to", async () => {
  class Counter {
    count = 41;
    upload() {
      return { value: this.count + 1 };
    }
  }
  using linked = link(new Counter());
  assert.equal((await linked.echo.upload(chunks(0, 0))).value, 42);
});

Deno.test("A call leaves no timer, no listener and no memory behind", async () => {
  const clock = new FakeClock();
  using linked = link({ say: (request) => request, upload: () => ({}) }, { clock });
  await linked.echo.say({});
  const timers = clock.pending;
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1;
    removeEventListener.apply(signal, args);
  };
  await linked.echo.say({ value: bytes(100_000) }, { signal, timeoutMs: 1000 });
  await linked.echo.upload(chunks(5, 10_000), { signal, timeoutMs: 1000 });
  await turn();
  assert.equal(clock.pending, timers);
  assert.equal(listeners, 0);
  assert.deepEqual([linked.dialer.usage.receivedBytes, linked.listener.usage.receivedBytes], [0, 0]);
});

Deno.test("A request counts as memory until its handler is done", async () => {
  const stop = Promise.withResolvers<void>();
  using linked = link({ say: () => stop.promise.then(() => ({})) });
  const call = linked.echo.say({ value: bytes(10_000) });
  await turn();
  assert(linked.listener.usage.receivedBytes >= 10_000);
  stop.resolve();
  await call;
  assert.equal(linked.listener.usage.receivedBytes, 0);
});

Deno.test("A handler that stops reading its requests frees what is queued although it goes on", async () => {
  const read = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<void>();
  using linked = link({
    upload: async (requests) => {
      for await (const _ of requests) break;
      read.resolve();
      await stop.promise;
      return {};
    },
  });
  const call = linked.echo.upload(chunks(20, 50_000));
  await read.promise;
  await turn();
  assert.equal(linked.listener.usage.receivedBytes, 0);
  stop.resolve();
  await call;
});

Deno.test("A call with one response is cancelled when a second one comes", async () => {
  const [a, b] = transportPair();
  const session = new Session(a, { role: "listener" });
  const peer = new RawPeer(b);
  peer.hello();
  const call = session.client(Echo).say({});
  const failed = rejectsWith(call, Code.INTERNAL, /more than one google.protobuf.BytesValue/);
  await peer.next(FrameType.OPEN);
  peer.send(dataFrame(2, Flag.MESSAGE), dataFrame(2, Flag.MESSAGE));
  await failed;
  await peer.next(FrameType.CANCEL);
  peer.close();
  await session.closed;
});

Deno.test("Sessions that have nothing to say keep each other alive", async () => {
  const clock = new FakeClock();
  using linked = link({ say: (request) => request }, {
    clock,
    keepAlive: { intervalMs: 100, timeoutMs: 50 },
  });
  await linked.echo.say({});
  for (let i = 0; i < 100; i++) {
    clock.advance(50);
    await turn();
  }
  assert.equal(linked.dialer.end ?? linked.listener.end, undefined);
});
