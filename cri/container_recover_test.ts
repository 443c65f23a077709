// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { RemoveContainerRequestSchema } from "../protocol/gen/cri_pb.ts";
import { createContainer } from "./container_create.ts";
import { removeContainer } from "./container_remove.ts";
import { idle } from "./testing/auto_clock.ts";
import { containerRequest, createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

/** The node process is killed right after this fact: nothing that follows it happens. */
async function killAfter(harness: NodeHarness, fact: string, call: () => Promise<unknown>): Promise<void> {
  await harness.stop();
  let killed = false;
  harness.restart({
    afterFact(name) {
      if (name !== fact) return;
      killed = true;
      throw new Error("Killed");
    },
  });
  await harness.run(call().catch(() => {}));
  await idle();
  assert.ok(killed, `no fact '${fact}' was recorded`);
  await harness.stop();
  harness.restart({});
}

Deno.test("recoverContainers() takes back a creation that was cut, without being asked", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const create = () => createContainer(harness.node, containerRequest(sandbox, "app"), harness.context());
  await killAfter(harness, "container intent", create);
  assert.equal(harness.node.store.containers.all().length, 1);
  await harness.clock.pass(1000);
  assert.deepEqual(harness.node.store.containers.all(), []);
  assert.equal(harness.vmOf(sandbox).agent.containers.size, 0);
});

Deno.test("recoverContainers() finishes a removal that was cut", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const containerId = await runNow(harness, sandbox, "app");
  const request = create(RemoveContainerRequestSchema, { containerId });
  const remove = () => removeContainer(harness.node, request, harness.context());
  await killAfter(harness, "container remove intent", remove);
  await harness.clock.pass(1000);
  assert.deepEqual(harness.node.store.containers.all(), []);
  assert.equal(harness.vmOf(sandbox).agent.containers.size, 0);
});

Deno.test("recoverContainers() goes on with the logs of started containers only", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const started = await runNow(harness, sandbox, "started");
  const created = await createNow(harness, sandbox, "created");
  await harness.stop();
  harness.restart();
  await idle();
  const { logs } = harness.node.containers;
  assert.deepEqual([logs.follows(started), logs.follows(created)], [true, false]);
});
