// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ListPodSandboxRequestSchema,
  ListPodSandboxResponseSchema,
  type PodSandboxFilterSchema,
  PodSandboxState,
} from "../protocol/gen/cri_pb.ts";
import { listPodSandbox } from "./sandbox_list.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";
import { runPodSandbox } from "./sandbox_run.ts";

function list({ node }: NodeHarness, filter?: MessageInitShape<typeof PodSandboxFilterSchema>) {
  const request = create(ListPodSandboxRequestSchema, filter ? { filter } : {});
  return fromBinary(ListPodSandboxResponseSchema, listPodSandbox(node, request).bytes).items;
}

Deno.test("listPodSandbox() shows each sandbox with all that the kubelet rebuilds itself from", async () => {
  await using harness = await NodeHarness.open();
  const request = podRequest("web", { attempt: 3 });
  const id = await harness.startNow(request);
  const [item] = list(harness);
  assert.equal(item!.id, id);
  assert.deepEqual({ ...item!.metadata }, { ...request.config!.metadata });
  assert.equal(item!.state, PodSandboxState.SANDBOX_READY);
  assert.equal(item!.createdAt, harness.node.model.sandbox(id)!.facts.createdAtNs);
  assert.ok(item!.createdAt > 10n ** 18n);
  assert.deepEqual(item!.labels, request.config!.labels);
  assert.deepEqual(item!.annotations, request.config!.annotations);
});

Deno.test("listPodSandbox() filters by id, by state and by label, all of them together", async () => {
  await using harness = await NodeHarness.open();
  const web = await harness.startNow(podRequest("web"));
  const db = await harness.startNow(podRequest("db"));
  await harness.run(stopSandbox(harness.node, db, harness.context().signal));
  const ids = (filter: MessageInitShape<typeof PodSandboxFilterSchema>) =>
    list(harness, filter).map((item) => item.id);
  assert.deepEqual(ids({}), [web, db]);
  assert.deepEqual(ids({ id: web.slice(0, 8) }), [web]);
  assert.deepEqual(ids({ state: { state: PodSandboxState.SANDBOX_READY } }), [web]);
  assert.deepEqual(ids({ state: { state: PodSandboxState.SANDBOX_NOTREADY } }), [db]);
  assert.deepEqual(ids({ labelSelector: { app: "db" } }), [db]);
  assert.deepEqual(
    ids({ labelSelector: { app: "db" }, state: { state: PodSandboxState.SANDBOX_READY } }),
    [],
  );
});

Deno.test("listPodSandbox() asks no agent and no provider", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  harness.vmOf(id).hang();
  const calls = () =>
    (["create", "list", "describe", "delete"] as const).map((call) => harness.cloud.calls(call));
  const before = calls();
  assert.equal(list(harness).length, 1);
  assert.deepEqual(calls(), before);
});

Deno.test("listPodSandbox() does not show a client's sandboxes", async () => {
  await using harness = await NodeHarness.open();
  const options = { origin: "client" as const };
  await harness.run(runPodSandbox(harness.node, podRequest("alone"), harness.context(), options));
  assert.deepEqual(list(harness), []);
});
