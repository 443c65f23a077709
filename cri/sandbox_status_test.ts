// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { NotFoundError } from "../lib/errors.ts";
import { NamespaceMode, PodSandboxState, PodSandboxStatusRequestSchema } from "../protocol/gen/cri_pb.ts";
import { podSandboxStatus } from "./sandbox_status.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";

function status({ node }: NodeHarness, podSandboxId: string, verbose = false) {
  return podSandboxStatus(node, create(PodSandboxStatusRequestSchema, { podSandboxId, verbose }));
}

Deno.test("podSandboxStatus() has the IP and echoes what was asked for", async () => {
  await using harness = await NodeHarness.open();
  const request = podRequest("web");
  const id = await harness.startNow(request);
  const { status: found, info } = status(harness, id.slice(0, 10));
  assert.equal(found!.id, id);
  assert.equal(found!.state, PodSandboxState.SANDBOX_READY);
  assert.equal(found!.network!.ip, harness.vmOf(id).describe().addresses[0]);
  const wanted = request.config!.linux!.securityContext!.namespaceOptions!;
  assert.deepEqual(found!.linux!.namespaces!.options, wanted);
  assert.equal(found!.linux!.namespaces!.options!.pid, NamespaceMode.CONTAINER);
  assert.deepEqual(found!.annotations, request.config!.annotations);
  assert.deepEqual(info, {});
});

Deno.test("podSandboxStatus() of a stopped sandbox is NOTREADY, without address, until it is removed", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  await harness.run(stopSandbox(harness.node, id, harness.context().signal));
  const { status: found } = status(harness, id);
  assert.equal(found!.state, PodSandboxState.SANDBOX_NOTREADY);
  assert.equal(found!.network!.ip, "");
});

Deno.test("podSandboxStatus() of an unknown id is NOT_FOUND, and needs one", async () => {
  await using harness = await NodeHarness.open();
  for (const id of ["nothing", "f".repeat(64)]) {
    assert.throws(() => status(harness, id), NotFoundError);
  }
  assert.throws(() => status(harness, ""), { name: "InvalidArgumentError" });
});

Deno.test("podSandboxStatus() tells about the VM when asked to be verbose, and no secret", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow(
    podRequest("web", {
      change: (config) => config.portMappings = [{ ...config.portMappings[0]!, hostPort: 8080 }],
    }),
  );
  const { facts, vm } = harness.node.model.sandbox(id)!;
  const info = JSON.parse(status(harness, id, true).info.info!);
  assert.equal(info.vmId, facts.vmId);
  assert.equal(info.provider, "fake");
  assert.equal(info.linked, true);
  assert.deepEqual(info.phases, facts.phases);
  assert.deepEqual(info.warnings, ["hostPort 8080 is not opened on the node: reach the pod by its IP"]);
  assert.doesNotMatch(JSON.stringify(info), new RegExp(vm!.createToken));
  assert.doesNotMatch(JSON.stringify(info), /secret/);
});
