// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { Code, RpcError } from "../status.ts";
import type { CallContext, Handlers } from "./mod.ts";
import { aborted, collect, rpcError, type Runtime, withRuntime } from "./runtime_fixture.ts";

/** A handler that reports its signal's reason when that fires, and one that streams first. */
function watching() {
  const started = Promise.withResolvers<void>();
  const fired = Promise.withResolvers<unknown>();
  const wait = async (context: CallContext): Promise<never> => {
    started.resolve();
    fired.resolve(await aborted(context.signal));
    throw context.signal.reason;
  };
  const handlers: Handlers<Runtime> = {
    execSync: (_, context) => wait(context),
    async *getContainerEvents(_, context) {
      yield { containerId: "first" };
      await wait(context);
    },
  };
  return { handlers, started: started.promise, fired: fired.promise };
}

Deno.test("GrpcServer fires the signal of a unary call that the client cancels", async () => {
  const { handlers, started, fired } = watching();
  await withRuntime(handlers, async ({ client }) => {
    const controller = new AbortController();
    const call = client.execSync({}, { signal: controller.signal });
    await started;
    controller.abort(new Error("Enough"));
    await assert.rejects(call, /^Error: Enough$/);
    rpcError(Code.CANCELLED, /caller/)(await fired);
  });
});

Deno.test("GrpcServer fires the signal of a stream that the client leaves", async () => {
  const { handlers, fired } = watching();
  await withRuntime(handlers, async ({ client }) => {
    for await (const event of client.getContainerEvents({})) {
      assert.equal(event.containerId, "first");
      break;
    }
    rpcError(Code.CANCELLED, /caller/)(await fired);
  });
});

Deno.test("GrpcServer fires the signal when the connection is gone", async () => {
  const { handlers, started, fired } = watching();
  await withRuntime(handlers, async ({ client, disconnect }) => {
    const call = client.getContainerEvents({})[Symbol.asyncIterator]();
    await call.next();
    await started;
    disconnect();
    await call.return!();
    rpcError(Code.CANCELLED, /caller/)(await fired);
  });
});

Deno.test("GrpcServer fires the signal at the deadline, and the client gets DEADLINE_EXCEEDED", async () => {
  const { handlers, fired } = watching();
  await withRuntime(handlers, async ({ client }) => {
    await assert.rejects(client.execSync({}, { timeoutMs: 30 }), rpcError(Code.DEADLINE_EXCEEDED, /./));
    assert.ok(await fired instanceof RpcError);
  });
});

Deno.test("GrpcClient ends a stream at an abort with the signal's reason", async () => {
  const { handlers, started } = watching();
  await withRuntime(handlers, async ({ client }) => {
    const controller = new AbortController();
    const call = collect(client.getContainerEvents({}, { signal: controller.signal }));
    await started;
    controller.abort(new Error("Enough"));
    await assert.rejects(call, /^Error: Enough$/);
    await assert.rejects(client.version({}, { signal: controller.signal }), /^Error: Enough$/);
  });
});
