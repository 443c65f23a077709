// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { UnavailableError } from "../lib/errors.ts";
import type { VmSpec } from "../providers/provider.ts";
import { GarbageCollector } from "./garbage.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { withProvider } from "./testing/with_provider.ts";

const MINUTE = 60_000;
const SIGNAL = new AbortController().signal;

/** A VM of this node that no row knows. */
function strayVm({ node, clock }: NodeHarness, vmId = "d".repeat(32), cluster = "test") {
  const spec: VmSpec = {
    vmId,
    token: vmId,
    tags: { cluster, node: "n1", vmId, sandboxId: "", createdAt: clock.now() },
    cpus: 1,
    memoryBytes: 1,
    image: "",
    userData: "",
    cgroupParent: "",
  };
  return node.providers.get("fake")!.create(spec, SIGNAL);
}

Deno.test("GarbageCollector deletes a VM without a record that two lists had and that is old enough", async () => {
  await using harness = await NodeHarness.open({ garbage: { minimumAge: 5 * MINUTE } });
  const collector = new GarbageCollector(harness.node);
  await strayVm(harness);
  await harness.clock.pass(6 * MINUTE);
  await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 1);
  await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("GarbageCollector leaves a young VM alone, however many lists had it", async () => {
  await using harness = await NodeHarness.open({ garbage: { minimumAge: 5 * MINUTE } });
  const collector = new GarbageCollector(harness.node);
  await strayVm(harness);
  for (let passes = 0; passes < 5; passes++) await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 1);
  await harness.clock.pass(5 * MINUTE);
  await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("GarbageCollector leaves running pods and another cluster's VMs alone", async () => {
  await using harness = await NodeHarness.open();
  const collector = new GarbageCollector(harness.node);
  await harness.startNow();
  await strayVm(harness, "e".repeat(32), "another");
  await harness.clock.pass(60 * MINUTE);
  for (let passes = 0; passes < 3; passes++) await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 2);
});

Deno.test("GarbageCollector deletes the second VM that a cloud made for one token", async () => {
  await using harness = await NodeHarness.open();
  const collector = new GarbageCollector(harness.node);
  const id = await harness.startNow();
  const kept = harness.vmOf(id);
  harness.cloud.ignoreTokenOnce = true;
  await harness.node.providers.get("fake")!.create(kept.spec, SIGNAL);
  assert.equal(harness.cloud.vms.length, 2);
  await harness.clock.pass(60 * MINUTE);
  for (let passes = 0; passes < 2; passes++) await harness.run(collector.pass());
  assert.deepEqual(harness.cloud.vms, [kept]);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "ready");
});

Deno.test("GarbageCollector leaves a VM alone whose start has not recorded it yet", async () => {
  const gate = Promise.withResolvers<void>();
  await using harness = await NodeHarness.open({
    timeouts: { run: 10 * 60 * MINUTE },
    wrap: (provider) =>
      withProvider(provider, {
        async create(spec: VmSpec, signal: AbortSignal) {
          const vm = await provider.create(spec, signal);
          await gate.promise;
          return vm;
        },
      }),
  });
  const collector = new GarbageCollector(harness.node);
  const started = harness.start();
  await harness.clock.pass(60 * MINUTE);
  for (let passes = 0; passes < 3; passes++) await harness.run(collector.pass());
  gate.resolve();
  await harness.run(started);
  assert.equal(harness.cloud.vms.length, 1);
});

Deno.test("GarbageCollector goes on after a provider's error", async () => {
  await using harness = await NodeHarness.open();
  const collector = new GarbageCollector(harness.node);
  await strayVm(harness);
  await harness.clock.pass(60 * MINUTE);
  harness.cloud.failNext("list", new UnavailableError("cloud is down"));
  harness.cloud.failNext("delete", new UnavailableError("cloud is down"));
  for (let passes = 0; passes < 3; passes++) await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 1);
  await harness.run(collector.pass());
  assert.equal(harness.cloud.vms.length, 0);
});
