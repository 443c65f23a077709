// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { ListPodSandboxResponseSchema, PodSandboxSchema } from "../gen/cri_pb.ts";
import { Code, RpcError } from "../status.ts";
import { type CallContext, Encoded } from "./mod.ts";
import { aborted, collect, rpcError, withRuntime } from "./runtime_fixture.ts";

Deno.test("GrpcServer answers a unary call with fields, and its signal fires at the end", async () => {
  const contexts: CallContext[] = [];
  await withRuntime({
    version: (request, context) => {
      contexts.push(context);
      assert.equal(context.signal.aborted, false);
      return { version: request.version, runtimeName: "ü" };
    },
  }, async ({ client, server }) => {
    const before = Date.now();
    const answer = await client.version({ version: "0.1.0" }, { timeoutMs: 60_000 });
    assert.deepEqual([answer.version, answer.runtimeName, answer.runtimeVersion], ["0.1.0", "ü", ""]);
    const context = contexts[0]!;
    assert.equal((await aborted(context.signal) as Error).name, "AbortError");
    assert.ok(context.deadline! >= before + 59_000 && context.deadline! <= Date.now() + 60_000);
    assert.deepEqual([context.method.name, server.runningCalls], ["Version", 0]);
    assert.deepEqual([...context.rawRequest], [10, 5, ...new TextEncoder().encode("0.1.0")]);
  });
});

Deno.test("GrpcServer tells that a call has no deadline", async () => {
  await withRuntime({
    version: (_, { deadline }) => ({ version: String(deadline) }),
  }, async ({ client }) => assert.equal((await client.version({})).version, "undefined"));
});

Deno.test("GrpcServer sends encoded bytes as they are", async () => {
  const item = toBinary(
    ListPodSandboxResponseSchema,
    create(ListPodSandboxResponseSchema, { items: [{ id: "a" }] }),
  );
  await withRuntime({
    listPodSandbox: () => new Encoded(new Uint8Array([...item, ...item])),
  }, async ({ client }) => {
    const { items } = await client.listPodSandbox({});
    assert.deepEqual(items, [create(PodSandboxSchema, { id: "a" }), create(PodSandboxSchema, { id: "a" })]);
  });
});

Deno.test("GrpcServer answers UNIMPLEMENTED for a method without handler, naming it", async () => {
  await withRuntime({}, async ({ client }) => {
    await assert.rejects(
      client.exec({}),
      rpcError(Code.UNIMPLEMENTED, /runtime\.v1\.RuntimeService\/Exec is not/),
    );
    await assert.rejects(
      collect(client.streamContainers({})),
      rpcError(Code.UNIMPLEMENTED, /runtime\.v1\.RuntimeService\/StreamContainers is not/),
    );
  });
});

Deno.test("GrpcServer sends a handler's error with its code, its message whole", async () => {
  const message = "Cannot start „Café“ 界 😀 100%:\n\tline two, %41";
  await withRuntime({
    startContainer: () => Promise.reject(new RpcError(Code.FAILED_PRECONDITION, message)),
    version: () => {
      throw new TypeError(message);
    },
  }, async ({ client }) => {
    const same = (code: Code) => (error: unknown) =>
      rpcError(code, /./)(error) && (error as Error).message === message;
    await assert.rejects(client.startContainer({}), same(Code.FAILED_PRECONDITION));
    await assert.rejects(client.version({}), same(Code.INTERNAL));
  });
});

Deno.test("GrpcServer sends a very long message cut, and lives on", async () => {
  await withRuntime({
    version: () => Promise.reject(new Error("界".repeat(100_000) + "\ud83d")),
  }, async ({ client }) => {
    await assert.rejects(
      client.version({}),
      rpcError(Code.INTERNAL, /^界{4096}… \(95905 more characters\)$/),
    );
    await assert.rejects(client.status({}), rpcError(Code.UNIMPLEMENTED, /Status/));
  });
});

Deno.test("GrpcServer streams messages, then ends", async () => {
  await withRuntime({
    async *streamPodSandboxes() {
      for (let n = 0; n < 100; n++) yield await Promise.resolve({ podSandboxes: [{ id: String(n) }] });
    },
  }, async ({ client }) => {
    const ids = (await collect(client.streamPodSandboxes({}))).map((message) => message.podSandboxes[0]!.id);
    assert.deepEqual(ids, Array.from({ length: 100 }, (_, n) => String(n)));
  });
});

Deno.test("GrpcServer ends a stream with the handler's error after the messages before it", async () => {
  await withRuntime({
    async *getContainerEvents() {
      yield await Promise.resolve({ containerId: "a" });
      throw new RpcError(Code.DATA_LOSS, "Events lost");
    },
  }, async ({ client }) => {
    const ids: string[] = [];
    const read = async () => {
      for await (const event of client.getContainerEvents({})) ids.push(event.containerId);
    };
    await assert.rejects(read(), rpcError(Code.DATA_LOSS, /^Events lost$/));
    assert.deepEqual(ids, ["a"]);
  });
});

Deno.test("GrpcServer makes no more messages of a stream than its reader takes, but for a few buffers", async () => {
  const message = { containerId: "x".repeat(64 * 1024) };
  let made = 0, taken = 0, ahead = 0;
  await withRuntime({
    async *getContainerEvents() {
      while (made++ < 500) yield await Promise.resolve(message);
    },
  }, async ({ client }) => {
    for await (const _ of client.getContainerEvents({})) ahead = Math.max(ahead, made - ++taken);
  });
  assert.equal(taken, 500);
  assert.ok(ahead <= 64, `The handler was ${ahead} messages ahead of the reader`);
});
