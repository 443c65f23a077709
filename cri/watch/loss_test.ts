// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { UnavailableError } from "../../lib/errors.ts";
import { PodSandboxState } from "../../protocol/gen/cri_pb.ts";
import { withProvider } from "../testing/with_provider.ts";
import { stopSandbox } from "../sandbox_stop.ts";
import { NodeHarness } from "../testing/node_harness.ts";
import { podRequest } from "../testing/pod_request.ts";

async function withContainer(harness: NodeHarness) {
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  return {
    id,
    vm: harness.vmOf(id),
    sandbox: harness.node.model.sandbox(id)!,
    container: harness.node.model.container(container)!,
  };
}

Deno.test("a VM that its provider says is gone is lost at once, its containers with it", async () => {
  await using harness = await NodeHarness.open();
  const { vm, sandbox, container } = await withContainer(harness);
  const { startedAt } = container.agentState!;
  vm.disconnect();
  vm.lose();
  await harness.clock.pass(5_000);
  assert.equal(sandbox.criState, PodSandboxState.SANDBOX_NOTREADY);
  assert.match(sandbox.facts.lostReason!, /Its VM is gone/);
  assert.ok(container.state.kind === "exited");
  const { exitCode, reason, finishedAt } = container.state.agent;
  assert.deepEqual([exitCode, reason], [137, "VmLost"]);
  assert.equal(container.state.agent.startedAt, startedAt);
  assert.ok(finishedAt >= startedAt);
});

Deno.test("a VM that falls silent and is gone is found out by its missing heartbeats", async () => {
  await using harness = await NodeHarness.open();
  const { vm, sandbox } = await withContainer(harness);
  vm.lose();
  await harness.clock.pass(60_000);
  assert.equal(sandbox.state.kind, "lost");
});

Deno.test("a VM that has stopped is fenced before its pod turns NOTREADY", async () => {
  const seen: PodSandboxState[] = [];
  await using harness: NodeHarness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, {
        delete(instanceId, signal) {
          seen.push(...[...harness.node.model.sandboxes()].map((each) => each.criState));
          return provider.delete(instanceId, signal);
        },
      }),
  });
  harness.cloud.knobs = { ...harness.cloud.knobs, deletion: 20_000 };
  const { vm, sandbox, container } = await withContainer(harness);
  vm.powerOff();
  await harness.clock.pass(10_000);
  assert.equal(sandbox.criState, PodSandboxState.SANDBOX_READY);
  assert.match(sandbox.facts.lostReason!, /Its VM has stopped/);
  await harness.clock.pass(30_000);
  assert.equal(sandbox.criState, PodSandboxState.SANDBOX_NOTREADY);
  assert.ok(seen.length >= 1 && seen.every((state) => state === PodSandboxState.SANDBOX_READY));
  assert.equal(harness.cloud.vms.length, 0);
  assert.deepEqual([container.agentState!.exitCode, container.agentState!.reason], [137, "VmLost"]);
});

Deno.test("while its VM runs, a pod keeps its last known state until lostAfter, then it is fenced and lost", async () => {
  await using harness = await NodeHarness.open({ timeouts: { lostAfter: 300_000 } });
  const { vm, sandbox, container } = await withContainer(harness);
  vm.unplug();
  await harness.clock.pass(290_000);
  assert.equal(sandbox.state.kind, "ready");
  assert.equal(container.state.kind, "running");
  await harness.clock.pass(20_000);
  assert.equal(sandbox.state.kind, "lost");
  assert.match(sandbox.facts.lostReason!, /Nothing was heard of its VM for 300 s/);
  assert.equal(container.agentState!.reason, "VmLost");
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("a VM that comes back in time goes on as if nothing had been", async () => {
  await using harness = await NodeHarness.open();
  const { vm, sandbox, container } = await withContainer(harness);
  vm.unplug();
  await harness.clock.pass(200_000);
  vm.plug();
  await harness.clock.pass(400_000);
  assert.equal(sandbox.state.kind, "ready");
  assert.equal(container.state.kind, "running");
});

Deno.test("an error of the provider confirms nothing", async () => {
  await using harness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, { describe: () => Promise.reject(new UnavailableError("cloud is down")) }),
  });
  const { vm, sandbox } = await withContainer(harness);
  vm.unplug();
  await harness.clock.pass(290_000);
  assert.equal(sandbox.state.kind, "ready");
  assert.equal(sandbox.facts.lostReason, null);
  assert.equal(harness.cloud.calls("delete"), 0);
});

Deno.test("a sandbox is not lost before its deletion is confirmed, however long that takes", async () => {
  let reachable = true;
  await using harness = await NodeHarness.open({
    timeouts: { lostAfter: 60_000 },
    wrap: (provider) =>
      withProvider(provider, {
        delete: (instanceId, signal) =>
          reachable ? provider.delete(instanceId, signal) : Promise.reject(new UnavailableError("partition")),
      }),
  });
  const { vm, sandbox } = await withContainer(harness);
  reachable = false;
  vm.unplug();
  await harness.clock.pass(3_600_000);
  assert.equal(sandbox.criState, PodSandboxState.SANDBOX_READY);
  reachable = true;
  await harness.clock.pass(60_000);
  assert.equal(sandbox.state.kind, "lost");
});

Deno.test("a VM that was started again is lost: what runs there now is not the pod", async () => {
  await using harness = await NodeHarness.open();
  const { vm, sandbox, container } = await withContainer(harness);
  vm.reboot();
  await harness.clock.pass(30_000);
  assert.equal(sandbox.state.kind, "lost");
  assert.match(sandbox.facts.lostReason!, /started again/);
  assert.deepEqual([container.agentState!.exitCode, container.agentState!.reason], [137, "VmLost"]);
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("a VM that has forgotten its sandbox is lost", async () => {
  await using harness = await NodeHarness.open();
  const { vm, sandbox } = await withContainer(harness);
  vm.agent.sandbox = undefined;
  vm.disconnect();
  await harness.clock.pass(30_000);
  assert.equal(sandbox.state.kind, "lost");
  assert.match(sandbox.facts.lostReason!, /forgotten its sandbox/);
});

Deno.test("an agent that only ever dials and never tells its state is lost after lostAfter", async () => {
  await using harness = await NodeHarness.open({ timeouts: { lostAfter: 120_000 } });
  const { vm, sandbox } = await withContainer(harness);
  vm.agent.snapshot = () => ({ sandboxId: "f".repeat(64), bootId: vm.agent.bootId, containers: [] });
  vm.disconnect();
  await harness.clock.pass(110_000);
  assert.equal(sandbox.state.kind, "ready");
  await harness.clock.pass(30_000);
  assert.equal(sandbox.state.kind, "lost");
});

Deno.test("a lost VM costs the other pods nothing", async () => {
  await using harness = await NodeHarness.open();
  const { vm } = await withContainer(harness);
  const other = await harness.startNow(podRequest("other"));
  vm.lose();
  await harness.clock.pass(60_000);
  assert.equal(harness.node.model.sandbox(other)!.state.kind, "ready");
  assert.deepEqual(harness.cloud.vms.map((each) => each.spec.tags.sandboxId), [other]);
});

Deno.test("a pod that is lost can be stopped and removed, and stays lost", async () => {
  await using harness = await NodeHarness.open();
  const { id, vm, sandbox } = await withContainer(harness);
  vm.lose();
  await harness.clock.pass(60_000);
  await harness.run(stopSandbox(harness.node, id, harness.context().signal));
  assert.equal(sandbox.state.kind, "lost");
});

Deno.test("a process that is restarted while it fences goes on fencing, and knows why", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, deletion: 600_000 };
  const { id, vm } = await withContainer(harness);
  vm.powerOff();
  await harness.clock.pass(10_000);
  await harness.stop();
  harness.restart();
  await harness.clock.pass(10_000);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "ready");
  await harness.clock.pass(700_000);
  const { state } = harness.node.model.sandbox(id)!;
  assert.ok(state.kind === "lost");
  assert.match(state.reason, /Its VM has stopped/);
});
