// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  CgroupDriver,
  RuntimeConfigRequestSchema,
  StatusRequestSchema,
  UpdateRuntimeConfigRequestSchema,
  VersionRequestSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";
import { runtimeConfig } from "./runtime_config.ts";
import { status } from "./status.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { POD_CIDR, updateRuntimeConfig } from "./update_runtime_config.ts";
import { version } from "./version.ts";

/** The harness' node with another configuration. Its state directory exists. */
function nodeWith(harness: NodeHarness, change: Partial<Node["config"]>): Node {
  return { ...harness.node, config: { ...harness.node.config, stateDir: harness.directory, ...change } };
}

async function conditions(harness: NodeHarness, node: Node) {
  const { status: found } = await status(node, create(StatusRequestSchema), harness.context());
  return found!.conditions.map(({ type, status, reason }) => [type, status, reason]);
}

Deno.test("version() answers what the kubelet insists on", () => {
  const answer = version(create(VersionRequestSchema));
  assert.equal(answer.version, "0.1.0");
  assert.equal(answer.runtimeApiVersion, "v1");
  assert.match(answer.runtimeVersion, /^\d+\.\d+\.\d+(-|\+|$)/);
});

Deno.test("status() is ready, with a handler for each profile and one without a name", async () => {
  await using harness = await NodeHarness.open();
  const node = nodeWith(harness, {});
  assert.deepEqual(await conditions(harness, node), [["RuntimeReady", true, ""], ["NetworkReady", true, ""]]);
  const { runtimeHandlers, info } = await status(node, create(StatusRequestSchema), harness.context());
  assert.deepEqual(runtimeHandlers.map(({ name }) => name), ["", "default"]);
  assert.deepEqual(info, {});
});

Deno.test("status() says which provider is missing", async () => {
  await using harness = await NodeHarness.open();
  const node = { ...nodeWith(harness, {}), providers: new Map() };
  assert.deepEqual(await conditions(harness, node), [
    ["RuntimeReady", false, "ProviderMissing"],
    ["NetworkReady", false, "ProviderMissing"],
  ]);
});

Deno.test("status() is not ready without a state directory, and while the process ends", async () => {
  await using harness = await NodeHarness.open();
  const nowhere = nodeWith(harness, { stateDir: `${harness.directory}/nowhere` });
  assert.deepEqual((await conditions(harness, nowhere))[0], ["RuntimeReady", false, "StateDirectoryMissing"]);
  const ending = { ...nodeWith(harness, {}), signal: AbortSignal.abort() };
  assert.deepEqual((await conditions(harness, ending))[0], ["RuntimeReady", false, "ShuttingDown"]);
});

Deno.test("status() tells people more, but no provider's configuration", async () => {
  await using harness = await NodeHarness.open();
  await harness.startNow();
  // As a cloud's entry will have one.
  const providers = { fake: { kind: "fake", password: "hunter2" } } as unknown as Node["config"]["providers"];
  const request = create(StatusRequestSchema, { verbose: true });
  const { info } = await status(nodeWith(harness, { providers }), request, harness.context());
  assert.deepEqual(JSON.parse(info.info!).sandboxes, { ready: 1 });
  assert.ok(!info.info!.includes("hunter2"));
});

Deno.test("runtimeConfig() answers the configured cgroup driver", async () => {
  await using harness = await NodeHarness.open();
  const driver = (cgroupDriver: "systemd" | "cgroupfs") =>
    runtimeConfig(nodeWith(harness, { cgroupDriver }), create(RuntimeConfigRequestSchema)).linux
      ?.cgroupDriver;
  assert.deepEqual([driver("systemd"), driver("cgroupfs")], [CgroupDriver.SYSTEMD, CgroupDriver.CGROUPFS]);
});

Deno.test("updateRuntimeConfig() keeps the pod CIDR as a fact, and an empty one does not change it", async () => {
  await using harness = await NodeHarness.open();
  const update = (podCidr?: string) =>
    updateRuntimeConfig(
      harness.node,
      create(
        UpdateRuntimeConfigRequestSchema,
        podCidr === undefined ? {} : { runtimeConfig: { networkConfig: { podCidr } } },
      ),
    );
  update("10.244.3.0/24, fd00:10:244::/64");
  for (const nothing of ["", undefined]) update(nothing);
  await harness.stop();
  harness.restart();
  assert.equal(harness.node.store.settings.get(POD_CIDR), "10.244.3.0/24,fd00:10:244::/64");
  for (const bad of ["10.1.2.0", "10.1.2.0/33", "10.1.2.0/", "x/24", "fd00::/129", "10.1.2.0/24,", "::/-1"]) {
    assert.throws(() => update(bad), { name: "InvalidArgumentError" }, bad);
  }
  assert.equal(harness.node.store.settings.get(POD_CIDR), "10.244.3.0/24,fd00:10:244::/64");
});
