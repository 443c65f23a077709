// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Code, RpcError } from "../status.ts";
import { FakeClock } from "./testing/fake_clock.ts";
import { Echo } from "./testing/echo_service.ts";
import { Router, Session, transportPair } from "./session.ts";
import { aborted, bytes, chunks, collect, link, rejectsWith } from "./testing/linked.ts";

Deno.test("Session answers a unary call with the handler's response", async () => {
  using linked = link({ say: ({ value }) => ({ value: value.map((byte) => byte + 1) }) });
  const { value } = await linked.echo.say({ value: bytes(3, 1) });
  assert.deepEqual(value, bytes(3, 2));
});

Deno.test("Session carries messages larger than a frame and larger than the window both ways", async () => {
  using linked = link({ say: (request) => request });
  for (const size of [0, 1, 16 * 1024, 16 * 1024 + 1, 65_536, 1_000_000, 5_000_000]) {
    const { value } = await linked.echo.say({ value: bytes(size) });
    assert.deepEqual(value, bytes(size));
  }
});

Deno.test("Session lets the listener call the dialer over the same transport", async () => {
  const [a, b] = transportPair();
  using _dialer = disposable(
    new Session(a, { role: "dialer", router: new Router().service(Echo, { say: (request) => request }) }),
  );
  const listener = new Session(b, { role: "listener" });
  assert.deepEqual((await listener.client(Echo).say({ value: bytes(2) })).value, bytes(2));
});

function disposable(session: Session): Disposable {
  return { [Symbol.dispose]: () => session.close("test is over") };
}

Deno.test("Session streams responses in order and ends the iteration", async () => {
  using linked = link({ download: ({ value }) => chunks(value, 50_000) });
  const received = await collect(linked.echo.download({ value: 40 }));
  assert.deepEqual(
    received.map(({ value }) => [value.length, value[0]]),
    Array.from({ length: 40 }, (_, i) => [50_000, i]),
  );
});

Deno.test("Session streams requests in order and answers with one response", async () => {
  using linked = link({
    upload: async (requests) => ({
      value: (await collect(requests)).reduce((sum, { value }) => sum + value.length, 0),
    }),
  });
  assert.equal((await linked.echo.upload(chunks(30, 100_000))).value, 3_000_000);
});

Deno.test("Session carries a conversation in which each side waits for the other", async () => {
  using linked = link({
    chat: async function* (requests) {
      for await (const { value } of requests) yield { value: value.map((byte) => byte * 2) };
    },
  });
  const turns = Promise.withResolvers<void>();
  let heard = 0;
  async function* questions() {
    yield { value: bytes(1, 10) };
    await turns.promise;
    yield { value: bytes(1, 11) };
  }
  for await (const { value } of linked.echo.chat(questions())) {
    heard += value[0]!;
    turns.resolve();
  }
  assert.equal(heard, 42);
});

Deno.test("Session answers what a handler throws through toStatus, with its message", async () => {
  using linked = link({
    say: () => Promise.reject(new RpcError(Code.NOT_FOUND, "No such thing")),
    download: async function* () {
      yield await Promise.resolve({ value: bytes(1) });
      throw Object.assign(new Error("Disk is full"), { grpcCode: Code.RESOURCE_EXHAUSTED });
    },
  });
  await rejectsWith(linked.echo.say({}), Code.NOT_FOUND, /^No such thing$/);
  const received: number[] = [];
  await rejectsWith(
    (async () => {
      for await (const { value } of linked.echo.download({ value: 1 })) received.push(value.length);
    })(),
    Code.RESOURCE_EXHAUSTED,
    /^Disk is full$/,
  );
  assert.deepEqual(received, [1]);
});

Deno.test("Session answers UNIMPLEMENTED for a method without a handler, whatever its kind", async () => {
  using linked = link({});
  await rejectsWith(linked.echo.say({}), Code.UNIMPLEMENTED, /infranetes\.link\.testing\.Echo\/Say/);
  await rejectsWith(linked.echo.upload(chunks(100, 60_000)), Code.UNIMPLEMENTED, /Upload/);
  await rejectsWith(collect(linked.echo.download({ value: 1 })), Code.UNIMPLEMENTED, /Download/);
  await rejectsWith(collect(linked.echo.chat(chunks(1, 1))), Code.UNIMPLEMENTED, /Chat/);
});

Deno.test("Session cancels the handler when the caller's signal aborts", async () => {
  const seen = Promise.withResolvers<AbortSignal>();
  using linked = link({
    say: async (_, { signal }) => {
      seen.resolve(signal);
      await aborted(signal);
      throw signal.reason;
    },
  });
  const controller = new AbortController();
  const call = linked.echo.say({}, { signal: controller.signal });
  const signal = await seen.promise;
  controller.abort();
  await rejectsWith(call, Code.CANCELLED, /abort/i);
  assert.equal((await aborted(signal) as RpcError).code, Code.CANCELLED);
});

Deno.test("Session cancels the handler when the caller leaves the loop", async () => {
  const stopped = Promise.withResolvers<void>();
  using linked = link({
    download: async function* (_, { signal }) {
      try {
        for (;;) yield await Promise.resolve({ value: bytes(60_000) });
      } finally {
        assert(signal.aborted);
        stopped.resolve();
      }
    },
  });
  for await (const { value } of linked.echo.download({ value: 0 })) {
    assert.equal(value.length, 60_000);
    break;
  }
  await stopped.promise;
});

Deno.test("Session ends a call with DEADLINE_EXCEEDED at both ends", async () => {
  const clock = new FakeClock();
  const seen = Promise.withResolvers<{ signal: AbortSignal; deadline: number | undefined }>();
  using linked = link({
    say: async (_, { signal, deadline }) => {
      seen.resolve({ signal, deadline });
      await aborted(signal);
      throw signal.reason;
    },
  }, { clock });
  const call = linked.echo.say({}, { timeoutMs: 250 });
  const { signal, deadline } = await seen.promise;
  assert.equal(deadline, clock.now() + 250);
  clock.advance(249);
  assert(!signal.aborted);
  clock.advance(1);
  assert.equal((signal.reason as RpcError).code, Code.DEADLINE_EXCEEDED);
  await rejectsWith(call, Code.DEADLINE_EXCEEDED, /250 ms/);
});

Deno.test("Session fails every call with UNAVAILABLE and aborts every handler when it ends", async () => {
  const seen = Promise.withResolvers<AbortSignal>();
  using linked = link({
    say: async (_, { signal }) => {
      seen.resolve(signal);
      await aborted(signal);
      return {};
    },
  });
  const call = linked.echo.say({});
  const signal = await seen.promise;
  linked.dialer.close("Node is going down");
  await rejectsWith(call, Code.UNAVAILABLE, /Node is going down/);
  assert.equal((await aborted(signal) as RpcError).code, Code.UNAVAILABLE);
  assert.deepEqual(await linked.listener.closed, { by: "peer", code: 1000, reason: "Node is going down" });
  assert.deepEqual(await linked.dialer.closed, { by: "local", code: 1000, reason: "Node is going down" });
  await rejectsWith(linked.echo.say({}), Code.UNAVAILABLE, /Node is going down/);
});
