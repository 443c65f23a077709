// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { CapacityError, SupersededError, TimeoutError, UnavailableError } from "../lib/errors.ts";
import { ListPodSandboxResponseSchema, RunPodSandboxRequestSchema } from "../protocol/gen/cri_pb.ts";
import { Code, toStatus } from "../protocol/status.ts";
import type { VmSpec } from "../providers/provider.ts";
import { listPodSandbox } from "./sandbox_list.ts";
import { removeSandbox } from "./sandbox_remove.ts";
import { podSandboxStatus } from "./sandbox_status.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";
import { idle } from "./testing/auto_clock.ts";
import { withProvider } from "./testing/with_provider.ts";

const SLOW_BOOT = { boot: 10_000 };

Deno.test("runPodSandbox() answers the id of a sandbox that is ready and has its IP", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const { state, facts } = harness.node.model.sandbox(id)!;
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(state.kind, "ready");
  assert.deepEqual(facts.addresses, harness.vmOf(id).describe().addresses);
  assert.deepEqual(Object.keys(facts.phases).sort(), [
    "address",
    "agent",
    "configure",
    "create",
    "link",
    "watch",
  ]);
  assert.equal(harness.cloud.vms.length, 1);
});

Deno.test("runPodSandbox() gives the VM and its agent what they need", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow(podRequest("web"));
  const { spec, agent } = harness.vmOf(id);
  const { facts, vm } = harness.node.model.sandbox(id)!;
  const tags = {
    cluster: "test",
    node: "n1",
    vmId: facts.vmId,
    sandboxId: id,
    createdAt: vm!.createIntentAt,
  };
  assert.deepEqual(spec.tags, tags);
  assert.equal(spec.cgroupParent, "/kubepods/burstable/pod1");
  assert.deepEqual(agent.sandbox, { id, config: facts.config, addresses: facts.addresses });
  assert.equal(facts.bootId, agent.bootId);
});

Deno.test("runPodSandbox() keeps the configuration byte for byte as it came over the wire", async () => {
  await using harness = await NodeHarness.open();
  const request = podRequest("web");
  const config = toBinary(RunPodSandboxRequestSchema, request);
  // An unknown field at the end of the configuration, as a newer kubelet may send it.
  const raw = new Uint8Array([...config, 0x0a, 3, 0xf8, 0x3f, 1]);
  const id = await harness.run(harness.start(request, { ...harness.context(), rawRequest: raw }));
  assert.deepEqual([...harness.node.model.sandbox(id)!.facts.config].slice(-3), [0xf8, 0x3f, 1]);
});

Deno.test("runPodSandbox() records what it intends before it calls the provider", async () => {
  const seen: unknown[] = [];
  await using harness: NodeHarness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, {
        create(spec: VmSpec, signal) {
          const vm = harness.node.store.vms.get(spec.vmId)!;
          seen.push(vm.createToken === spec.token, harness.node.store.sandboxes.get(vm.sandboxId)?.name);
          return provider.create(spec, signal);
        },
      }),
  });
  await harness.startNow(podRequest("web"));
  assert.deepEqual(seen, [true, "web"]);
});

Deno.test("runPodSandbox() records the intent durably where a VM costs money", async () => {
  const durable: [string, boolean][] = [];
  await using harness = await NodeHarness.open({
    wrap: (provider) => withProvider(provider, { costsMoney: true }),
    ontransaction: (fact, options) => durable.push([fact, options?.durable ?? false]),
  });
  await harness.startNow();
  assert.deepEqual(durable.filter(([, each]) => each), [["sandbox intent", true]]);
});

Deno.test("runPodSandbox() lists a sandbox only when it is ready", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, ...SLOW_BOOT };
  const started = harness.start();
  await harness.clock.pass(9_000);
  assert.equal(harness.node.starts.size, 1);
  assert.deepEqual(listed(harness), []);
  const [starting] = harness.node.model.sandboxes();
  assert.throws(
    () => podSandboxStatus(harness.node, { podSandboxId: starting!.id, verbose: false } as never),
    /does not exist/,
  );
  const id = await harness.run(started);
  assert.deepEqual(listed(harness), [id]);
});

Deno.test("runPodSandbox() goes on when its call is cancelled, and the next call joins it", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, ...SLOW_BOOT };
  const call = new AbortController();
  const first = harness.start(podRequest("web"), harness.context(call.signal));
  await harness.clock.pass(1_000);
  call.abort(new Error("The caller is gone"));
  await assert.rejects(first, /The caller is gone/);
  await harness.clock.pass(1_000);
  const id = await harness.startNow(podRequest("web"));
  assert.equal(harness.cloud.calls("create"), 1);
  assert.deepEqual(listed(harness), [id]);
});

Deno.test("runPodSandbox() with the same key and configuration is one sandbox, under way or done", async () => {
  await using harness = await NodeHarness.open();
  const both = await harness.run(Promise.all([harness.start(), harness.start()]));
  assert.equal(both[0], both[1]);
  assert.equal(await harness.startNow(), both[0]);
  assert.equal(harness.cloud.calls("create"), 1);
});

Deno.test("runPodSandbox() takes maps in another order for the same configuration", async () => {
  await using harness = await NodeHarness.open();
  const reverse = (map: Record<string, string>) => Object.fromEntries(Object.entries(map).reverse());
  const id = await harness.startNow(podRequest("web"));
  const again = podRequest("web", { change: (config) => config.labels = reverse(config.labels) });
  assert.equal(await harness.startNow(again), id);
});

Deno.test("runPodSandbox() with the same key and another configuration is ALREADY_EXISTS", async () => {
  await using harness = await NodeHarness.open();
  const other = podRequest("web", { change: (config) => config.hostname = "other" });
  const started = harness.start(podRequest("web"));
  await rejectsWith(harness.start(other), Code.ALREADY_EXISTS, /another configuration/);
  await harness.run(started);
  await rejectsWith(harness.start(other), Code.ALREADY_EXISTS, /another configuration/);
  assert.equal(harness.cloud.vms.length, 1);
});

Deno.test("runPodSandbox() is ALREADY_EXISTS for the key of a stopped sandbox until that is removed", async () => {
  await using harness = await NodeHarness.open();
  const { signal } = harness.context();
  const id = await harness.startNow();
  await harness.run(stopSandbox(harness.node, id, signal));
  await rejectsWith(harness.start(), Code.ALREADY_EXISTS, /is stopped/);
  await harness.run(removeSandbox(harness.node, id, signal));
  assert.notEqual(await harness.startNow(), id);
});

Deno.test("runPodSandbox() with a higher attempt ends and takes back a lower one under way", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, ...SLOW_BOOT };
  const lower = harness.start(podRequest("web"));
  lower.catch(() => {});
  await harness.clock.pass(1_000);
  const id = await harness.startNow(podRequest("web", { attempt: 1 }));
  await rejectsWith(lower, new SupersededError("").grpcCode, /replaced by attempt 1/);
  await harness.clock.pass(1_000);
  assert.deepEqual([...harness.node.model.sandboxes()].map((each) => each.id), [id]);
  assert.deepEqual(harness.cloud.vms.map((vm) => vm.spec.tags.sandboxId), [id]);
});

Deno.test("runPodSandbox() refuses a lower attempt than the one that is there", async () => {
  await using harness = await NodeHarness.open();
  await harness.startNow(podRequest("web", { attempt: 1 }));
  await rejectsWith(harness.start(podRequest("web")), Code.ABORTED, /older/);
  assert.equal(harness.cloud.vms.length, 1);
});

Deno.test("runPodSandbox() lets a new attempt start beside a stopped one", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow(podRequest("web"));
  await harness.run(stopSandbox(harness.node, id, harness.context().signal));
  const next = await harness.startNow(podRequest("web", { attempt: 1 }));
  assert.deepEqual(listed(harness), [id, next]);
});

Deno.test("runPodSandbox() fails at its own deadline with phase, time and console, and leaves nothing", async () => {
  const text = "\x1b[31mKernel panic\x1b[0m\nnot syncing\n";
  await using harness = await NodeHarness.open({
    timeouts: { run: 90_000 },
    wrap: (provider) =>
      withProvider(provider, { console: () => Promise.resolve(new TextEncoder().encode(text)) }),
  });
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 3_000_000 };
  const error = await harness.startNow().catch((error) => error);
  assert.equal(toStatus(error).code, Code.DEADLINE_EXCEEDED);
  assert.match(error.message, /^Pod default\/web did not start: failed in phase 'link' after 90\.0 s/);
  assert.match(error.message, /instance 'fake-1'/);
  assert.match(error.message, /console ends with:\nKernel panic\nnot syncing$/);
  await assertNothingLeft(harness);
});

Deno.test("runPodSandbox() tells the provider's error, in its code, and leaves nothing", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.nextCreateError = new CapacityError("No room in zone a");
  await rejectsWith(harness.startNow(), Code.RESOURCE_EXHAUSTED, /phase 'create' .*No room in zone a/);
  await assertNothingLeft(harness);
});

Deno.test("runPodSandbox() deletes a VM that a failed create call made after all", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.loseCreateReplyOnce = true;
  await rejectsWith(harness.startNow(), Code.UNAVAILABLE, /answer to the create call was lost/);
  await assertNothingLeft(harness);
});

Deno.test("runPodSandbox() does not wait for a provider that does not heed its signal", async () => {
  await using harness = await NodeHarness.open({
    timeouts: { run: 5_000 },
    wrap: (provider) => withProvider(provider, { create: () => new Promise(() => {}) }),
  });
  await rejectsWith(harness.startNow(), Code.DEADLINE_EXCEEDED, /phase 'create' after 5\.0 s/);
  await assertNothingLeft(harness);
});

Deno.test("runPodSandbox() answers when undoing takes too long; undoing goes on, and the key waits for it", async () => {
  await using harness = await NodeHarness.open({ timeouts: { run: 5_000, undo: 10_000 } });
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 60_000, deletion: 30_000 };
  const begunAt = harness.clock.now();
  await rejectsWith(harness.startNow(), Code.DEADLINE_EXCEEDED, /phase 'link'/);
  assert.equal(harness.clock.now() - begunAt, 15_000);
  assert.equal(harness.cloud.vms.length, 1);
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 0 };
  const id = await harness.startNow();
  assert.ok(harness.clock.now() - begunAt >= 35_000);
  assert.deepEqual(harness.cloud.vms.map((vm) => vm.spec.tags.sandboxId), [id]);
});

Deno.test("runPodSandbox() goes on with the next session when one breaks during the start", async () => {
  let broken = 0;
  await using harness: NodeHarness = await NodeHarness.open({
    wrap: (provider) =>
      withProvider(provider, {
        async localLink(instanceId, signal) {
          const transport = await provider.localLink(instanceId, signal);
          // Breaks as soon as the agent was greeted and the node calls it.
          if (broken++ === 0) {
            const send = transport.send.bind(transport);
            let frames = 0;
            transport.send = (frame) => ++frames === 3 ? transport.close(4000, "cut") : send(frame);
          }
          return transport;
        },
      }),
  });
  const id = await harness.startNow();
  assert.equal(broken, 2);
  assert.deepEqual(listed(harness), [id]);
});

Deno.test("runPodSandbox() says where the start is before the caller's deadline passes", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, ...SLOW_BOOT };
  const deadline = harness.clock.now() + 6_000;
  const call = harness.start(podRequest("web"), { ...harness.context(), deadline });
  const error = await harness.run(call).catch((error) => error);
  assert.ok(error instanceof TimeoutError);
  assert.match(error.message, /still in phase 'link' after 5\.0 s: it goes on, the next call joins it/);
  assert.deepEqual(listed(harness), []);
  const id = await harness.startNow(podRequest("web"));
  assert.deepEqual(listed(harness), [id]);
});

Deno.test("runPodSandbox() is UNAVAILABLE and makes no VM when the intent cannot be recorded", async () => {
  let full = true;
  await using harness = await NodeHarness.open({
    ontransaction: (fact) => {
      if (full && fact === "sandbox intent") throw new UnavailableError("database or disk is full");
    },
  });
  await rejectsWith(harness.startNow(), Code.UNAVAILABLE, /disk is full/);
  assert.equal(harness.cloud.calls("create"), 0);
  await assertNothingLeft(harness);
  full = false;
  await harness.startNow();
});

Deno.test("runPodSandbox() takes everything back when a later fact cannot be recorded", async () => {
  const facts = ["VM created", "sandbox configured", "sandbox ready"];
  for (const broken of facts) {
    let full = true;
    await using harness = await NodeHarness.open({
      ontransaction: (fact) => {
        if (full && fact === broken) throw new UnavailableError("database or disk is full");
      },
      timeouts: { run: 30_000 },
    });
    const begunAt = harness.clock.now();
    await rejectsWith(harness.startNow(), Code.UNAVAILABLE, /disk is full/);
    assert.ok(harness.clock.now() - begunAt < 1_000, broken);
    await assertNothingLeft(harness);
    full = false;
    await harness.startNow();
  }
});

Deno.test("runPodSandbox() accepts a runtime handler that names a profile", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow(podRequest("web", { runtimeHandler: "default" }));
  assert.equal(harness.node.model.sandbox(id)!.facts.runtimeHandler, "default");
});

Deno.test("runPodSandbox() starts fifty pods at once, each with a VM of its own", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, ...SLOW_BOOT };
  const requests = Array.from({ length: 50 }, (_, index) => podRequest(`pod-${index}`));
  const ids = await harness.run(Promise.all(requests.map((request) => harness.start(request))));
  assert.equal(new Set(ids).size, 50);
  assert.deepEqual(harness.cloud.vms.map((vm) => vm.spec.tags.sandboxId).sort(), [...ids].sort());
});

function listed({ node }: NodeHarness): string[] {
  const { bytes } = listPodSandbox(node, {} as never);
  return fromBinary(ListPodSandboxResponseSchema, bytes).items.map((item) => item.id);
}

async function rejectsWith(
  promise: Promise<unknown>,
  code: number | number[],
  message: RegExp,
): Promise<void> {
  const error = await promise.then(() => undefined, (error) => error);
  assert.ok(error instanceof Error, "it was not refused");
  assert.match(error.message, message);
  assert.equal(toStatus(error).code, code);
}

async function assertNothingLeft({ node, cloud }: NodeHarness): Promise<void> {
  await idle();
  assert.deepEqual(node.store.sandboxes.all(), []);
  assert.deepEqual(node.store.vms.all(), []);
  assert.deepEqual([...node.model.sandboxes()], []);
  assert.equal(cloud.vms.length, 0);
  assert.equal(node.starts.size + node.discards.size, 0);
}
