// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { RemovePodSandboxRequestSchema } from "../protocol/gen/cri_pb.ts";
import { removePodSandbox } from "./sandbox_remove.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { idle } from "./testing/auto_clock.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";

function remove(harness: NodeHarness, podSandboxId: string) {
  const request = create(RemovePodSandboxRequestSchema, { podSandboxId });
  return harness.run(removePodSandbox(harness.node, request, harness.context()));
}

function assertEmpty({ node, cloud }: NodeHarness): void {
  for (const table of [node.store.sandboxes, node.store.vms, node.store.containers]) {
    assert.deepEqual(table.all(), []);
  }
  assert.deepEqual([...node.model.sandboxes(), ...node.model.containers(), ...node.model.vms()], []);
  assert.equal(cloud.vms.length, 0);
}

Deno.test("removePodSandbox() leaves nothing of a stopped sandbox and its containers", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  await harness.addContainer(id, "main");
  await harness.addContainer(id, "never-started", { running: false });
  await harness.run(stopSandbox(harness.node, id, harness.context().signal));
  await remove(harness, id);
  assertEmpty(harness);
});

Deno.test("removePodSandbox() stops a running sandbox first", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  await harness.addContainer(id, "main");
  await remove(harness, id);
  assertEmpty(harness);
});

Deno.test("removePodSandbox() is idempotent, and an unknown id is no error", async () => {
  await using harness = await NodeHarness.open();
  await remove(harness, "f".repeat(64));
  await assert.rejects(remove(harness, ""), { name: "InvalidArgumentError" });
  const id = await harness.startNow();
  await Promise.all([remove(harness, id), remove(harness, id)]);
  await remove(harness, id);
  assertEmpty(harness);
});

Deno.test("removePodSandbox() of a sandbox that is being started ends the start and takes it back", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 10_000 };
  const starting = harness.start();
  starting.catch(() => {});
  await harness.clock.pass(1_000);
  const id = [...harness.node.model.sandboxes()][0]!.id;
  await remove(harness, id);
  await assert.rejects(starting, /was removed during its start/);
  assertEmpty(harness);
});

Deno.test("removePodSandbox() leaves other sandboxes alone", async () => {
  await using harness = await NodeHarness.open();
  const kept = await harness.startNow();
  const container = await harness.addContainer(kept, "main");
  await remove(harness, await harness.startNow(podRequest("other")));
  assert.equal(harness.node.model.sandbox(kept)!.state.kind, "ready");
  assert.equal(harness.node.model.container(container)!.state.kind, "running");
});

Deno.test("pods that come and go leave no task, no timer and no session behind", async () => {
  await using harness = await NodeHarness.open();
  const { node, clock, agents } = harness;
  const count = () => ({ tasks: node.tasks.size, timers: clock.sleeping, sessions: agents.size });
  const before = count();
  for (let round = 0; round < 3; round++) {
    const names = Array.from({ length: 20 }, (_, index) => `pod-${round}-${index}`);
    const ids = await harness.run(Promise.all(names.map((name) => harness.start(podRequest(name)))));
    for (const id of ids) await harness.addContainer(id, "main");
    assert.ok(count().tasks >= before.tasks + 20);
    await Promise.all(ids.map((id) => remove(harness, id)));
    await idle();
    assert.deepEqual(count(), before);
  }
  assertEmpty(harness);
});
