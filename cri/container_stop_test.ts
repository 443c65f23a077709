// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { StartContainerRequestSchema, StopContainerRequestSchema } from "../protocol/gen/cri_pb.ts";
import { startContainer } from "./container_start.ts";
import { stopContainer } from "./container_stop.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { answerInstead } from "./testing/agent_answers.ts";
import { idle } from "./testing/auto_clock.ts";
import { createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

function stop(
  harness: NodeHarness,
  containerId: string,
  timeout = 30n,
  ctx = harness.context(),
): Promise<unknown> {
  return stopContainer(harness.node, create(StopContainerRequestSchema, { containerId, timeout }), ctx);
}

Deno.test("stopContainer() answers when the container is dead, and again when it is", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  await stop(harness, id);
  const { state, facts } = harness.node.model.container(id)!;
  assert.equal(state.kind === "exited" && state.agent.exitCode, 143);
  assert.notEqual(facts.stopIntentAt, null);
  await stop(harness, id);
});

Deno.test("stopContainer() takes an unknown container for a stopped one", async () => {
  await using harness = await NodeHarness.open();
  await stop(harness, "f00");
  await assert.rejects(stop(harness, ""), { name: "InvalidArgumentError" });
});

for (const [timeout, grace] of [[30n, 30_000n], [0n, 0n], [-5n, 0n], [1n << 62n, 86_400_000n]] as const) {
  Deno.test(`stopContainer() makes of ${timeout} seconds ${grace} ms for the agent`, async () => {
    await using harness = await NodeHarness.open();
    const sandbox = await harness.startNow();
    const id = await runNow(harness, sandbox, "app");
    let asked: bigint | undefined;
    answerInstead(harness, sandbox, "stop", (real) => (request, options) => {
      asked = request.graceMs;
      return real(request, options);
    });
    await stop(harness, id, timeout);
    assert.equal(asked, grace);
  });
}

Deno.test("stopContainer() has nothing to do for one that was not started", async () => {
  await using harness = await NodeHarness.open();
  const id = await createNow(harness, await harness.startNow(), "app");
  await stop(harness, id);
  assert.equal(harness.node.model.container(id)!.state.kind, "created");
});

Deno.test("stopContainer() waits for a start that is under way, and stops what it started", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  harness.vmOf(sandbox).hang();
  const request = create(StartContainerRequestSchema, { containerId: id });
  const starting = startContainer(harness.node, request, harness.context());
  await idle();
  const stopping = stop(harness, id);
  await idle();
  harness.vmOf(sandbox).resume();
  await Promise.all([starting, stopping]);
  assert.equal(harness.node.model.container(id)!.state.kind, "exited");
});

Deno.test("stopContainer() goes on when its caller gives up", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  harness.vmOf(sandbox).hang();
  const gone = new AbortController();
  const stopping = stop(harness, id, 30n, harness.context(gone.signal));
  await idle();
  gone.abort(new Error("Deadline"));
  await assert.rejects(stopping, /Deadline/);
  harness.vmOf(sandbox).resume();
  await harness.clock.pass(0);
  assert.equal(harness.node.model.container(id)!.state.kind, "exited");
});

Deno.test("stopContainer() has nothing to do once its sandbox is stopped, and the exit stays known", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  await harness.run(stopSandbox(harness.node, sandbox, harness.context().signal));
  await stop(harness, id);
  assert.equal(harness.node.model.container(id)!.state.kind, "exited");
});
