// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  ContainerState as CriState,
  ContainerStatusRequestSchema,
  ListContainersRequestSchema,
  ListContainersResponseSchema,
  Signal,
} from "../protocol/gen/cri_pb.ts";
import { listContainers, streamContainers } from "./container_list.ts";
import { containerStatus } from "./container_status.ts";
import { RESERVED_IMAGE, RESERVED_IMAGE_ID } from "./images/reserved.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { containerRequest, createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

function statusOf(harness: NodeHarness, containerId: string) {
  return containerStatus(harness.node, create(ContainerStatusRequestSchema, { containerId })).status!;
}

function list(
  harness: NodeHarness,
  filter?: Parameters<typeof create<typeof ListContainersRequestSchema>>[1],
) {
  const answer = listContainers(harness.node, create(ListContainersRequestSchema, filter));
  return fromBinary(ListContainersResponseSchema, answer.bytes).containers;
}

Deno.test("containerStatus() gives back what the kubelet keeps in it, unchanged", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const mounts = [{ containerPath: "/data", hostPath: "/usr", readonly: true }];
  const request = containerRequest(sandbox, "app", { mounts, logPath: "app/0.log" });
  const id = await createNow(harness, sandbox, "app", { mounts, logPath: "app/0.log" });
  const status = statusOf(harness, id);
  const { labels, annotations, linux } = request.config!;
  assert.deepEqual(status.labels, labels);
  assert.deepEqual(status.annotations, annotations);
  assert.deepEqual(status.mounts, request.config!.mounts);
  assert.deepEqual(status.resources?.linux, linux?.resources);
  assert.equal(status.logPath, "/var/log/pods/web/app/0.log");
  assert.equal(status.image?.image, RESERVED_IMAGE);
  assert.deepEqual([status.imageRef, status.imageId], [RESERVED_IMAGE_ID, RESERVED_IMAGE_ID]);
  assert.equal(status.metadata?.name, "app");
  assert.equal(status.stopSignal, Signal.SIGTERM);
});

Deno.test("containerStatus() follows a container's life", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const created = statusOf(harness, await createNow(harness, sandbox, "created"));
  assert.equal(created.state, CriState.CONTAINER_CREATED);
  assert.ok(created.createdAt > 1_700_000_000_000_000_000n, "nanoseconds");
  assert.deepEqual([created.startedAt, created.finishedAt], [0n, 0n]);
  const id = await runNow(harness, sandbox, "app");
  const running = statusOf(harness, id);
  assert.equal(running.state, CriState.CONTAINER_RUNNING);
  assert.ok(running.startedAt > 0n);
  assert.equal(running.finishedAt, 0n);
  harness.vmOf(sandbox).exitContainer(id, 7);
  await harness.clock.pass(0);
  const exited = statusOf(harness, id);
  assert.equal(exited.state, CriState.CONTAINER_EXITED);
  assert.deepEqual([exited.exitCode, exited.reason], [7, "Error"]);
  assert.ok(exited.finishedAt >= exited.startedAt);
  await harness.run(stopSandbox(harness.node, sandbox, harness.context().signal));
  assert.deepEqual(statusOf(harness, id), exited);
});

Deno.test("containerStatus() says NOT_FOUND of an unknown container, and more if asked to", async () => {
  await using harness = await NodeHarness.open();
  assert.throws(() => statusOf(harness, "f00"), { name: "NotFoundError" });
  const id = await createNow(harness, await harness.startNow(), "app");
  const request = create(ContainerStatusRequestSchema, { containerId: id.slice(0, 8), verbose: true });
  const { info } = containerStatus(harness.node, request);
  assert.equal(JSON.parse(info.info!).state, "created");
});

Deno.test("listContainers() filters by id, sandbox, state and labels, all at once", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const created = await createNow(harness, sandbox, "created");
  const running = await runNow(harness, sandbox, "running");
  const ids = (filter?: Parameters<typeof list>[1]) => list(harness, filter).map((each) => each.id);
  assert.deepEqual(ids(), [created, running]);
  assert.deepEqual(ids({ filter: {} }), [created, running]);
  assert.deepEqual(ids({ filter: { state: {} } }), [created]);
  assert.deepEqual(ids({ filter: { state: { state: CriState.CONTAINER_RUNNING } } }), [running]);
  assert.deepEqual(ids({ filter: { podSandboxId: sandbox.slice(0, 10) } }), [created, running]);
  assert.deepEqual(ids({ filter: { podSandboxId: "f00" } }), []);
  assert.deepEqual(ids({ filter: { labelSelector: { app: "running" } } }), [running]);
  assert.deepEqual(ids({ filter: { labelSelector: { app: "running" }, state: {} } }), []);
  assert.deepEqual(ids({ filter: { id: created.slice(0, 6) } }), [created]);
});

Deno.test("listContainers() shows labels and annotations as they came", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const { labels, annotations } = containerRequest(sandbox, "app").config!;
  await createNow(harness, sandbox, "app");
  const [item] = list(harness);
  assert.deepEqual([item?.labels, item?.annotations], [labels, annotations]);
  assert.equal(item?.imageId, RESERVED_IMAGE_ID);
});

Deno.test("streamContainers() sends the list and ends; an empty one at once", async () => {
  await using harness = await NodeHarness.open();
  const request = { $typeName: "runtime.v1.StreamContainersRequest" } as const;
  assert.deepEqual(await Array.fromAsync(streamContainers(harness.node, request)), []);
  const id = await createNow(harness, await harness.startNow(), "app");
  const messages = await Array.fromAsync(streamContainers(harness.node, request));
  const items = messages.flatMap(({ bytes }) => fromBinary(ListContainersResponseSchema, bytes).containers);
  assert.deepEqual(items.map((item) => item.id), [id]);
});
