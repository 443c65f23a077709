// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ExecRequest, ExecResponseSchema } from "../protocol/gen/agent_pb.ts";
import { ExecSyncRequestSchema, ExecSyncResponseSchema } from "../protocol/gen/cri_pb.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/grpc/limits.ts";
import { Code, toStatus } from "../protocol/status.ts";
import { execSync } from "./exec_sync.ts";
import { answerInstead } from "./testing/agent_answers.ts";
import { idle } from "./testing/auto_clock.ts";
import { createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

function exec(
  harness: NodeHarness,
  containerId: string,
  cmd: string[],
  timeout = 0n,
  ctx = harness.context(),
) {
  return execSync(harness.node, create(ExecSyncRequestSchema, { containerId, cmd, timeout }), ctx);
}

/** Lets the agent answer Exec with these messages. */
function answers(
  harness: NodeHarness,
  sandbox: string,
  events: Iterable<MessageInitShape<typeof ExecResponseSchema>>,
) {
  answerInstead(harness, sandbox, "exec", () =>
    async function* () {
      for (const event of events) yield create(ExecResponseSchema, event);
    });
}

Deno.test("execSync() answers what the command wrote, and its exit code as it is", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  const { stdout, stderr, exitCode } = await exec(harness, id, ["printf", "%s", "x y"]);
  assert.equal(new TextDecoder().decode(stdout), '["printf","%s","x y"]\n');
  assert.deepEqual([stderr.length, exitCode], [0, 0]);
  assert.equal((await exec(harness, id, ["sh", "-c", "exit 7"])).exitCode, 7);
});

Deno.test("execSync() needs a running container and a command", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const created = await createNow(harness, sandbox, "created");
  const running = await runNow(harness, sandbox, "running");
  await assert.rejects(exec(harness, "f00", ["true"]), { name: "NotFoundError" });
  await assert.rejects(exec(harness, created, ["true"]), { name: "FailedPreconditionError" });
  await assert.rejects(exec(harness, running, []), { name: "InvalidArgumentError" });
});

Deno.test("execSync() is DEADLINE_EXCEEDED when the command takes too long", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  const running = harness.run(exec(harness, id, ["sleep", "100"], 2n));
  await assert.rejects(running, (error) => toStatus(error).code === Code.DEADLINE_EXCEEDED);
});

Deno.test("execSync() does not depend on the agent to end a command in time", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  harness.vmOf(sandbox).hang();
  const begun = harness.clock.now();
  const running = harness.run(exec(harness, id, ["true"], 2n));
  await assert.rejects(running, (error) => toStatus(error).code === Code.DEADLINE_EXCEEDED);
  assert.ok(harness.clock.now() - begun <= 15_000);
});

Deno.test("execSync() ends the command when its caller has gone", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  const gone = new AbortController();
  const running = exec(harness, id, ["sleep", "100"], 0n, harness.context(gone.signal));
  await idle();
  gone.abort(new Error("Gone"));
  await assert.rejects(running, /Gone/);
});

Deno.test("execSync() asks the agent for what it can answer with, and nothing on its input", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  const asked: unknown[] = [];
  answerInstead(harness, sandbox, "exec", (real) =>
    async function* (requests, options) {
      const all = await Array.fromAsync(requests);
      asked.push(...all.map((each) => (each as ExecRequest).event));
      yield* real(
        (async function* () {
          yield* all;
        })(),
        options,
      );
    });
  await exec(harness, id, ["true"], 3n);
  const value = {
    containerId: id,
    command: ["true"],
    timeoutMs: 3000n,
    outputLimit: BigInt(MAX_MESSAGE_BYTES - 1024),
  };
  assert.deepEqual(asked, [{ case: "start", value }]);
});

Deno.test("execSync() drops what does not fit into one message, whatever the agent sends", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  const chunk = new Uint8Array(1 << 20).fill(0x78);
  answers(
    harness,
    sandbox,
    (function* () {
      for (let i = 0; i < 20; i++) {
        yield { event: { case: "stdout", value: chunk } } as const;
        yield { event: { case: "stderr", value: chunk } } as const;
      }
      yield { event: { case: "exit", value: { exitCode: 0 } } } as const;
    })(),
  );
  const answer = await exec(harness, id, ["yes"]);
  assert.equal(answer.stdout.length + answer.stderr.length, MAX_MESSAGE_BYTES - 1024);
  assert.ok(toBinary(ExecSyncResponseSchema, answer).length <= MAX_MESSAGE_BYTES);
});

Deno.test("execSync() does not invent an exit code", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  answers(harness, sandbox, [{ event: { case: "stdout", value: new Uint8Array(3) } }]);
  await assert.rejects(exec(harness, id, ["true"]), /without its exit code/);
});
