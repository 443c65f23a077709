// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Client, credentials } from "@grpc/grpc-js";
import { Containers } from "../gen/agent_pb.ts";
import { RuntimeService } from "../gen/cri_pb.ts";
import { Code, RpcError } from "../status.ts";
import { type CallInfo, GrpcClient, GrpcServer, type Wrapper } from "./mod.ts";
import { aborted, collect, rpcError, withRuntime } from "./runtime_fixture.ts";

const MIB = 1024 * 1024;

Deno.test("GrpcServer refuses a request of 17 MiB with RESOURCE_EXHAUSTED and lives on", async () => {
  let calls = 0;
  await withRuntime({
    version: ({ version }) => ({ version: `call ${++calls} of ${version.length}` }),
  }, async ({ client, address }) => {
    using unlimited = new GrpcClient(address, { maxMessageBytes: 64 * MIB });
    await assert.rejects(
      unlimited.service(RuntimeService).version({ version: "x".repeat(17 * MIB) }),
      rpcError(Code.RESOURCE_EXHAUSTED, /larger than max/),
    );
    // Five bytes of the message are the field's tag and length.
    const longest = 16 * MIB - 5;
    assert.equal((await client.version({ version: "x".repeat(longest) })).version, `call 1 of ${longest}`);
    await assert.rejects(
      client.version({ version: "x".repeat(longest + 1) }),
      rpcError(Code.RESOURCE_EXHAUSTED, /./),
    );
  });
});

Deno.test("GrpcServer sends an answer of 16 MiB and refuses a longer one, saying so", async () => {
  await withRuntime({
    execSync: ({ timeout }) => ({ stdout: new Uint8Array(Number(timeout)) }),
    async *getContainerEvents() {
      yield await Promise.resolve({ containerId: "x".repeat(17 * MIB) });
    },
  }, async ({ client }) => {
    const longest = 16 * MIB - 5;
    assert.equal((await client.execSync({ timeout: BigInt(longest) })).stdout.byteLength, longest);
    const tooLong = rpcError(
      Code.RESOURCE_EXHAUSTED,
      /answer of runtime\.v1\.RuntimeService\/\w+ has \d+ bytes, the/,
    );
    await assert.rejects(client.execSync({ timeout: BigInt(longest + 1) }), tooLong);
    await assert.rejects(collect(client.getContainerEvents({})), tooLong);
  });
});

Deno.test("GrpcServer answers a request that is no protobuf with INTERNAL, naming the method, and lives on", async () => {
  await withRuntime({ version: () => ({ version: "ok" }) }, async ({ client, address }) => {
    const raw = new Client(address, credentials.createInsecure());
    try {
      const error = await new Promise<{ code?: number; message?: string } | null>((resolve) => {
        raw.makeUnaryRequest(
          "/runtime.v1.RuntimeService/Version",
          (b: Buffer) => b,
          (b) => b,
          GARBAGE,
          resolve,
        );
      });
      assert.equal(error?.code, Code.INTERNAL);
      assert.match(error.message!, /Cannot decode the request of runtime\.v1\.RuntimeService\/Version as/);
    } finally {
      raw.close();
    }
    assert.equal((await client.version({})).version, "ok");
  });
});
const GARBAGE = Buffer.from("0affffff", "hex");

/** Writes down what it sees. */
function recorder(name: string, lines: string[]): Wrapper {
  return async (call: CallInfo, proceed) => {
    lines.push(`${name} ${call.method.name} begins, ${call.request.$typeName}`);
    try {
      await proceed();
      lines.push(`${name} ends`);
    } catch (error) {
      lines.push(`${name} sees ${(error as Error).message}`);
      throw error;
    }
  };
}

Deno.test("GrpcServer runs its wrappers around every call, the first one outermost", async () => {
  const lines: string[] = [];
  await withRuntime(
    {
      version: () => ({}),
      status: () => Promise.reject(new Error("Bad day")),
      async *getContainerEvents() {
        yield await Promise.resolve({});
        lines.push("streamed");
      },
    },
    async ({ client }) => {
      await client.version({});
      await assert.rejects(client.status({}), rpcError(Code.INTERNAL, /^Bad day$/));
      await collect(client.getContainerEvents({}));
      await assert.rejects(client.attach({}), rpcError(Code.UNIMPLEMENTED, /Attach/));
    },
    { wrappers: [recorder("a", lines), recorder("b", lines)] },
  );
  assert.deepEqual(lines, [
    "a Version begins, runtime.v1.VersionRequest",
    "b Version begins, runtime.v1.VersionRequest",
    "b ends",
    "a ends",
    "a Status begins, runtime.v1.StatusRequest",
    "b Status begins, runtime.v1.StatusRequest",
    "b sees Bad day",
    "a sees Bad day",
    "a GetContainerEvents begins, runtime.v1.GetEventsRequest",
    "b GetContainerEvents begins, runtime.v1.GetEventsRequest",
    "streamed",
    "b ends",
    "a ends",
    "a Attach begins, runtime.v1.AttachRequest",
    "b Attach begins, runtime.v1.AttachRequest",
    "b sees runtime.v1.RuntimeService/Attach is not implemented",
    "a sees runtime.v1.RuntimeService/Attach is not implemented",
  ]);
});

Deno.test("GrpcServer makes a wrapper's error the status, and says when one has not let the call proceed", async () => {
  const wrapper: Wrapper = (call) => {
    if (call.method.name === "Version") throw new RpcError(Code.PERMISSION_DENIED, "Not you");
    return Promise.resolve();
  };
  await withRuntime({ version: () => ({}), status: () => ({}) }, async ({ client }) => {
    await assert.rejects(client.version({}), rpcError(Code.PERMISSION_DENIED, /^Not you$/));
    await assert.rejects(
      client.status({}),
      rpcError(Code.INTERNAL, /wrapper of .*Status has not awaited proceed/),
    );
    await assert.rejects(
      collect(client.getContainerEvents({})),
      rpcError(Code.INTERNAL, /has not awaited proceed/),
    );
  }, { wrappers: [wrapper] });
});

Deno.test("GrpcServer.close() ends streams with UNAVAILABLE and lets unary calls finish", async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  await withRuntime({
    async *getContainerEvents(_, { signal }) {
      yield {};
      await aborted(signal);
    },
    version: async () => {
      begun.resolve();
      await finish.promise;
      return { version: "finished" };
    },
  }, async ({ client, server, address }) => {
    const events = client.getContainerEvents({})[Symbol.asyncIterator]();
    await events.next();
    const unary = client.version({});
    await begun.promise;
    const closed = server.close({ graceMs: 60_000 });
    await assert.rejects(events.next(), rpcError(Code.UNAVAILABLE, /shutting down/));
    assert.equal(server.runningCalls, 1);
    finish.resolve();
    assert.equal((await unary).version, "finished");
    await closed;
    assert.equal(server.runningCalls, 0);
    await assert.rejects(Deno.stat(address.slice("unix:".length)), Deno.errors.NotFound);
  });
});

Deno.test("GrpcServer.close() cuts what has not finished in the grace period", async () => {
  const begun = Promise.withResolvers<void>();
  const fired = Promise.withResolvers<unknown>();
  await withRuntime({
    version: async (_, { signal }) => {
      begun.resolve();
      const reason = await aborted(signal);
      fired.resolve(reason);
      throw reason;
    },
  }, async ({ client, server }) => {
    const cut = assert.rejects(client.version({}), rpcError(Code.UNAVAILABLE, /./));
    await begun.promise;
    await server.close({ graceMs: 1 });
    rpcError(Code.UNAVAILABLE, /shutting down/)(await fired.promise);
    await cut;
  });
});

Deno.test("GrpcServer.listen() says which address is taken, and gives the port that it got", async () => {
  await withRuntime({}, async ({ address }) => {
    await using second = new GrpcServer();
    await assert.rejects(second.listen(address), /^Error: Cannot listen at unix:.*: .*(EADDRINUSE|in use)/);
    const port = await second.service(RuntimeService, { version: () => ({ version: "tcp" }) }).listen(
      "127.0.0.1:0",
    );
    using client = new GrpcClient(`127.0.0.1:${port}`);
    assert.equal((await client.service(RuntimeService).version({})).version, "tcp");
  });
});

Deno.test("GrpcServer and GrpcClient refuse services with client streams", () => {
  assert.throws(
    () => new GrpcServer().service(Containers, {}),
    /^TypeError: Cannot serve .*bidi_streaming methods/,
  );
  using client = new GrpcClient("unix:/nowhere");
  assert.throws(() => client.service(Containers), /^TypeError: Cannot call .*bidi_streaming methods/);
});
