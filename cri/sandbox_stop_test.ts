// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { TimeoutError, UnauthorizedError, UnavailableError } from "../lib/errors.ts";
import { PodSandboxState, StopPodSandboxRequestSchema } from "../protocol/gen/cri_pb.ts";
import { stopPodSandbox } from "./sandbox_stop.ts";
import { idle } from "./testing/auto_clock.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { withProvider } from "./testing/with_provider.ts";

function stop(harness: NodeHarness, podSandboxId: string, signal?: AbortSignal) {
  const request = create(StopPodSandboxRequestSchema, { podSandboxId });
  return harness.run(stopPodSandbox(harness.node, request, harness.context(signal)));
}

Deno.test("stopPodSandbox() ends containers, then the VM, and turns NOTREADY only when that is confirmed", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, deletion: 40_000 };
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const entry = harness.node.model.sandbox(id)!;
  const stopping = stopPodSandbox(
    harness.node,
    create(StopPodSandboxRequestSchema, { podSandboxId: id }),
    harness.context(),
  );
  await harness.clock.pass(30_000);
  assert.equal(entry.criState, PodSandboxState.SANDBOX_READY);
  assert.equal(entry.state.kind, "stopping");
  await harness.run(stopping);
  assert.equal(entry.criState, PodSandboxState.SANDBOX_NOTREADY);
  assert.equal(entry.listed, true);
  assert.equal(harness.cloud.vms.length, 0);
  const { agentState, state } = harness.node.model.container(container)!;
  assert.equal(state.kind, "exited");
  assert.equal(agentState!.exitCode, 143);
});

Deno.test("stopPodSandbox() is idempotent, and an unknown id is no error", async () => {
  await using harness = await NodeHarness.open();
  await stop(harness, "f".repeat(64));
  await assert.rejects(stop(harness, ""), { name: "InvalidArgumentError" });
  const id = await harness.startNow();
  await Promise.all([stop(harness, id), stop(harness, id)]);
  await stop(harness, id);
  assert.equal(harness.cloud.calls("delete"), 1);
});

Deno.test("stopPodSandbox() finds the sandbox by a unique beginning of its id", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  await stop(harness, id.slice(0, 6));
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "stopped");
});

Deno.test("stopPodSandbox() runs exit hooks before the VM is deleted", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  await harness.addContainer(id, "main");
  const vms: number[] = [];
  harness.node.exitHooks.add(async (_container, _state, signal) => {
    await harness.clock.sleep(5_000, signal);
    vms.push(harness.cloud.vms.length);
  });
  await stop(harness, id);
  assert.deepEqual(vms, [1]);
});

Deno.test("stopPodSandbox() goes on until the provider confirms, whatever it answers meanwhile", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const errors = [new UnavailableError("cloud is down"), new UnauthorizedError("token expired")];
  harness.cloud.failNext("delete", ...errors);
  harness.cloud.failNext("describe", new UnavailableError("cloud is down again"));
  await stop(harness, id);
  assert.equal(harness.cloud.calls("delete"), 4);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "stopped");
});

Deno.test("stopPodSandbox() records what it intends before it asks the provider to delete", async () => {
  const seen: boolean[] = [];
  await using harness: NodeHarness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, {
        delete(instanceId, signal) {
          const [sandbox] = harness.node.store.sandboxes.all();
          const [vm] = harness.node.store.vms.all();
          seen.push(sandbox!.stopIntentAt !== null && vm!.deleteIntentAt !== null && vm!.deletedAt === null);
          return provider.delete(instanceId, signal);
        },
      }),
  });
  const id = await harness.startNow();
  await stop(harness, id);
  assert.deepEqual(seen, [true]);
  assert.notEqual(harness.node.store.vms.all()[0]!.deletedAt, null);
});

Deno.test("stopPodSandbox() that cannot record its intent does nothing and says so", async () => {
  for (const broken of ["sandbox stop intent", "VM delete intent"]) {
    let full = true;
    await using harness = await NodeHarness.open({
      ontransaction: (fact) => {
        if (full && fact === broken) throw new UnavailableError("database or disk is full");
      },
    });
    const id = await harness.startNow();
    await assert.rejects(stop(harness, id), /disk is full/);
    assert.equal(harness.cloud.vms.length, 1);
    assert.equal(harness.node.model.sandbox(id)!.criState, PodSandboxState.SANDBOX_READY);
    full = false;
    await stop(harness, id);
    assert.equal(harness.node.model.sandbox(id)!.state.kind, "stopped");
  }
});

Deno.test("stopPodSandbox() goes on when its call is cancelled", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, deletion: 60_000 };
  const id = await harness.startNow();
  const call = new AbortController();
  const stopping = stopPodSandbox(
    harness.node,
    create(StopPodSandboxRequestSchema, { podSandboxId: id }),
    harness.context(call.signal),
  );
  await harness.clock.pass(1_000);
  call.abort(new Error("The caller is gone"));
  await assert.rejects(stopping, /The caller is gone/);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "stopping");
  await harness.clock.pass(100_000);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "stopped");
});

Deno.test("stopPodSandbox() says what the provider says before the caller's deadline passes", async () => {
  await using harness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, { delete: () => Promise.reject(new UnavailableError("cloud is down")) }),
  });
  const id = await harness.startNow();
  const ctx = { ...harness.context(), deadline: harness.clock.now() + 30_000 };
  const request = create(StopPodSandboxRequestSchema, { podSandboxId: id });
  const error = await harness.run(stopPodSandbox(harness.node, request, ctx)).catch((error) => error);
  assert.ok(error instanceof TimeoutError);
  assert.match(error.message, /is not stopped yet, its provider says: .*cloud is down: it goes on/);
});

Deno.test("stopPodSandbox() does not wait long for a VM that is not linked", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.vmOf(id).unplug();
  await idle();
  const begunAt = harness.clock.now();
  await stop(harness, id);
  assert.ok(harness.clock.now() - begunAt < 5_000);
  const { agentState } = harness.node.model.container(container)!;
  assert.deepEqual([agentState!.exitCode, agentState!.reason], [137, "SandboxStopped"]);
});

Deno.test("stopPodSandbox() does not wait for ever for an agent that hangs", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.vmOf(id).hang();
  const begunAt = harness.clock.now();
  await stop(harness, id);
  assert.ok(harness.clock.now() - begunAt < 40_000);
  assert.equal(harness.node.model.container(container)!.agentState!.reason, "SandboxStopped");
});

Deno.test("stopPodSandbox() ends a container that was never started", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main", { running: false });
  await stop(harness, id);
  const { agentState } = harness.node.model.container(container)!;
  assert.deepEqual([agentState!.exitCode, agentState!.startedAt], [137, 0n]);
});

Deno.test("stopPodSandbox() of a sandbox that is being started ends the start and takes it back", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 10_000 };
  const starting = harness.start();
  starting.catch(() => {});
  await harness.clock.pass(1_000);
  const id = [...harness.node.model.sandboxes()][0]!.id;
  await stop(harness, id);
  await assert.rejects(starting, /was stopped during its start/);
  assert.deepEqual([...harness.node.model.sandboxes()], []);
  assert.equal(harness.cloud.vms.length, 0);
});
