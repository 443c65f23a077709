// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  ContainerStatsRequestSchema,
  ListContainerStatsRequestSchema,
  ListPodSandboxStatsRequestSchema,
  PodSandboxStatsRequestSchema,
} from "../../protocol/gen/cri_pb.ts";
import { containerStats } from "../container_stats.ts";
import { listContainerStats, streamContainerStats } from "../container_stats_list.ts";
import { listPodSandboxStats, podSandboxStats } from "../sandbox_stats.ts";
import { createNow, runNow } from "../testing/container_request.ts";
import { NodeHarness } from "../testing/node_harness.ts";
import { podRequest } from "../testing/pod_request.ts";

const MIB = 1024n * 1024n;

function list(
  harness: NodeHarness,
  filter?: { podSandboxId?: string; id?: string; labelSelector?: Record<string, string> },
) {
  const request = create(ListContainerStatsRequestSchema, filter && { filter });
  return listContainerStats(harness.node, request).stats.map((each) => each.attributes!.id);
}

Deno.test("containerStats() has what the kubelet dereferences, also before the first heartbeat", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  const request = create(ContainerStatsRequestSchema, { containerId: id });
  const { stats } = containerStats(harness.node, request);
  assert.equal(stats?.attributes?.metadata?.name, "app");
  assert.deepEqual(stats.attributes.labels, harness.node.model.container(id)!.config.labels);
  assert.equal(stats.cpu?.timestamp, harness.node.model.container(id)!.agentState!.startedAt);
  assert.equal(stats.cpu?.usageCoreNanoSeconds?.value, 0n);
  assert.equal(stats.memory?.workingSetBytes?.value, 0n);
  assert.equal(stats.writableLayer?.fsId?.mountpoint, harness.node.config.stateDir);
  assert.equal(stats.writableLayer?.usedBytes?.value, 0n);
});

Deno.test("containerStats() is what the last heartbeat told", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  await harness.clock.pass(25_000);
  const { stats } = containerStats(harness.node, create(ContainerStatsRequestSchema, { containerId: id }));
  assert.equal(stats?.memory?.workingSetBytes?.value, 4n * MIB);
  assert.ok(stats.cpu!.usageCoreNanoSeconds!.value > 0n);
  assert.ok(stats.cpu!.timestamp > harness.node.model.container(id)!.agentState!.startedAt);
  const pod = podSandboxStats(harness.node, create(PodSandboxStatsRequestSchema, { podSandboxId: sandbox }));
  assert.equal(pod.stats?.linux?.memory?.workingSetBytes?.value, 4n * MIB);
  assert.equal(pod.stats.linux.process?.processCount?.value, 1n);
  assert.equal(pod.stats.attributes?.metadata?.uid, "uid-of-web");
});

Deno.test("listContainerStats() has running containers only, filtered", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const other = await harness.startNow(podRequest("other"));
  await createNow(harness, sandbox, "created");
  const ended = await runNow(harness, sandbox, "ended");
  const running = await runNow(harness, sandbox, "running");
  const elsewhere = await runNow(harness, other, "running");
  harness.vmOf(sandbox).exitContainer(ended, 0);
  await harness.clock.pass(0);
  assert.deepEqual(list(harness), [running, elsewhere]);
  assert.deepEqual(list(harness, { podSandboxId: other }), [elsewhere]);
  assert.deepEqual(list(harness, { podSandboxId: other, id: running }), []);
  assert.deepEqual(list(harness, { labelSelector: { app: "running" } }), [running, elsewhere]);
  assert.deepEqual(list(harness, { labelSelector: { app: "ended" } }), []);
  const request = { $typeName: "runtime.v1.StreamContainerStatsRequest" } as const;
  const [message, ...more] = await Array.fromAsync(streamContainerStats(harness.node, request));
  assert.deepEqual([message?.containerStats.length, more.length], [2, 0]);
  const sandboxes = listPodSandboxStats(harness.node, create(ListPodSandboxStatsRequestSchema)).stats;
  assert.deepEqual(sandboxes.map((each) => each.linux?.containers.length), [1, 1]);
});

Deno.test("Statistics of what does not exist or has not begun are errors", async () => {
  await using harness = await NodeHarness.open();
  const id = await createNow(harness, await harness.startNow(), "app");
  const of = (containerId: string) =>
    containerStats(harness.node, create(ContainerStatsRequestSchema, { containerId }));
  assert.throws(() => of("f00"), { name: "NotFoundError" });
  assert.throws(() => of(id), { name: "FailedPreconditionError" });
  const unknown = create(PodSandboxStatsRequestSchema, { podSandboxId: "f00" });
  assert.throws(() => podSandboxStats(harness.node, unknown), { name: "NotFoundError" });
});
