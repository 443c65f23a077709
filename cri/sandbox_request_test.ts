// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  NamespaceMode,
  type RunPodSandboxRequest,
  RunPodSandboxRequestSchema,
} from "../protocol/gen/cri_pb.ts";
import { Code, toStatus } from "../protocol/status.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest, type PodRequestOptions } from "./testing/pod_request.ts";

const context = (options: PodRequestOptions["change"]) => podRequest("web", { change: options! });
const namespaces = (field: "network" | "pid" | "ipc") =>
  context((config) => config.linux!.securityContext!.namespaceOptions![field] = NamespaceMode.NODE);

const refused: [string, RunPodSandboxRequest, number, RegExp][] = [
  ["without configuration", create(RunPodSandboxRequestSchema), Code.INVALID_ARGUMENT, /needs 'config'/],
  ["without metadata", context((c) => delete c.metadata), Code.INVALID_ARGUMENT, /'config.metadata'/],
  ["without name", context((c) => c.metadata!.name = ""), Code.INVALID_ARGUMENT, /'config.metadata.name'/],
  [
    "without namespace",
    context((c) => c.metadata!.namespace = ""),
    Code.INVALID_ARGUMENT,
    /metadata.namespace/,
  ],
  ["without uid", context((c) => c.metadata!.uid = ""), Code.INVALID_ARGUMENT, /'config.metadata.uid'/],
  ["with hostNetwork", namespaces("network"), Code.UNIMPLEMENTED, /Pod default\/web asks for hostNetwork/],
  ["with hostPID", namespaces("pid"), Code.UNIMPLEMENTED, /hostPID/],
  ["with hostIPC", namespaces("ipc"), Code.UNIMPLEMENTED, /hostIPC/],
  [
    "with a user namespace",
    context((c) => c.linux!.securityContext!.namespaceOptions!.usernsOptions!.mode = NamespaceMode.POD),
    Code.UNIMPLEMENTED,
    /hostUsers/,
  ],
  [
    "with run_as_group alone",
    context((c) => c.linux!.securityContext!.runAsGroup = { $typeName: "runtime.v1.Int64Value", value: 0n }),
    Code.INVALID_ARGUMENT,
    /run_as_group without run_as_user/,
  ],
  [
    "with an unknown runtime handler",
    podRequest("web", { runtimeHandler: "gvisor" }),
    Code.INVALID_ARGUMENT,
    /Runtime handler 'gvisor' is not configured on this node: there are default/,
  ],
  [
    "that asks for too much memory",
    context((c) => c.linux!.resources!.memoryLimitInBytes = 2n ** 50n),
    Code.INVALID_ARGUMENT,
    /largest size of profile 'default'/,
  ],
];

for (const [what, request, code, message] of refused) {
  Deno.test(`runPodSandbox() refuses a request ${what} and records nothing`, async () => {
    await using harness = await NodeHarness.open();
    const error = await harness.startNow(request).catch((error) => error);
    assert.ok(error instanceof Error, "it was not refused");
    assert.match(error.message, message);
    assert.equal(toStatus(error).code, code);
    assert.equal(harness.cloud.calls("create"), 0);
    assert.deepEqual([...harness.node.store.sandboxes.all(), ...harness.node.store.vms.all()], []);
  });
}
