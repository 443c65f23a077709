// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { RemoveContainerRequestSchema } from "../protocol/gen/cri_pb.ts";
import { removeContainer } from "./container_remove.ts";
import { removeSandbox } from "./sandbox_remove.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { answerInstead } from "./testing/agent_answers.ts";
import { createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

function remove(harness: NodeHarness, containerId: string): Promise<unknown> {
  return removeContainer(
    harness.node,
    create(RemoveContainerRequestSchema, { containerId }),
    harness.context(),
  );
}

function left(harness: NodeHarness, sandbox: string) {
  return {
    rows: harness.node.store.containers.all().length,
    agent: harness.vmOf(sandbox).agent.containers.size,
    logs: harness.node.containers.logs.size,
    locks: harness.node.containers.locks.size,
  };
}

const NOTHING = { rows: 0, agent: 0, logs: 0, locks: 0 };

Deno.test("removeContainer() removes a created, a running and an exited container, and each again", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const created = await createNow(harness, sandbox, "created");
  const running = await runNow(harness, sandbox, "running");
  const exited = await runNow(harness, sandbox, "exited", { command: ["true"] });
  for (const id of [created, running, exited]) {
    await remove(harness, id);
    await remove(harness, id);
  }
  assert.deepEqual(left(harness, sandbox), NOTHING);
  await assert.rejects(remove(harness, ""), { name: "InvalidArgumentError" });
});

Deno.test("removeContainer() removes once however often it is asked at the same time", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  let removals = 0;
  answerInstead(harness, sandbox, "remove", (real) => (...args) => {
    removals++;
    return real(...args);
  });
  await Promise.all([remove(harness, id), remove(harness, id), remove(harness, id)]);
  assert.equal(removals, 1);
  assert.deepEqual(left(harness, sandbox), NOTHING);
});

Deno.test("removeContainer() needs no VM when its sandbox is stopped", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  await harness.run(stopSandbox(harness.node, sandbox, harness.context().signal));
  await remove(harness, id);
  assert.deepEqual(harness.node.store.containers.all(), []);
});

Deno.test("removeContainer() finishes if its sandbox goes under it", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  const removing = remove(harness, id);
  await Promise.all([removing, harness.run(removeSandbox(harness.node, sandbox, harness.context().signal))]);
  assert.deepEqual(harness.node.store.containers.all(), []);
  assert.equal(harness.node.containers.logs.size, 0);
});
