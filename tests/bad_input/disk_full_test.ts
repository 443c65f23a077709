// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Disks that are really full, under the facts and under the logs of a node process with a pod. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ContainerState } from "../../protocol/gen/cri_pb.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import { endProcessesOf, leftOn, nodeConfig, processesOf, type TestNode } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { infranetes } from "../operation/infranetes.ts";
import { census, factRows } from "./census.ts";
import { containerConfig, Cri, sandboxConfig } from "./pod.ts";
import { SmallDisk } from "./small_disk.ts";

const MIB = 1024 * 1024;
const IN_NAMESPACE = "INFRANETES_TEST_MAY_MOUNT";

/** A test that mounts: as root, or else in a user namespace of its own. */
function testWithMounts(
  name: string,
  test: (node: TestNode, stack: AsyncDisposableStack) => Promise<void>,
): void {
  Deno.test(name, async () => {
    if (Deno.uid() !== 0 && !Deno.env.has(IN_NAMESPACE)) return await runInNamespace(name);
    const work = await Deno.makeTempDir({ prefix: "inf-full-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(work, { recursive: true }));
    stack.defer(() => endProcessesOf(work));
    await test(await nodeConfig(work), stack);
  });
}

async function runInNamespace(name: string): Promise<void> {
  const filter = `--filter=${name}`;
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["-Urm", Deno.execPath(), "test", "-A", "--quiet", filter, import.meta.filename!],
    env: { [IN_NAMESPACE]: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success && said.includes("1 passed"), `In a user namespace of its own:\n${said}`);
}

function isUnavailable(error: unknown): boolean {
  assert.ok(error instanceof RpcError, String(error));
  assert.equal(error.code, Code.UNAVAILABLE, error.message);
  assert.match(error.message, /Fact '.+' could not be recorded: database or disk is full/);
  return true;
}

testWithMounts(
  "a node whose disk is full refuses what it cannot record, keeps its pods, and goes on with room",
  async (node, stack) => {
    const disk = stack.use(await SmallDisk.mount(node.stateDir, 64 * MIB));
    const process = stack.use(await NodeProcess.start(node));
    using cri = new Cri(node);
    const { podSandboxId } = await cri.runtime.runPodSandbox({ config: sandboxConfig(node, "before") });
    const { containerId } = await cri.runtime.createContainer({
      podSandboxId,
      config: containerConfig("main"),
    });
    await cri.runtime.startContainer({ containerId });

    await disk.fill();
    const before = await census(node);
    // Longer than what the fact file still has room for in itself.
    const annotations = { long: "x".repeat(6 * MIB) };
    const wanted = sandboxConfig(node, "later", { annotations });
    await assert.rejects(cri.runtime.runPodSandbox({ config: wanted }), isUnavailable);
    const container = { podSandboxId, config: containerConfig("later", { annotations }) };
    await assert.rejects(cri.runtime.createContainer(container), isUnavailable);
    assert.deepEqual(await census(node), before);
    const alive = await cri.runtime.execSync({ containerId, cmd: ["echo", "alive"], timeout: 10n });
    assert.equal(new TextDecoder().decode(alive.stdout), "alive\n");

    await disk.free();
    const { podSandboxId: later } = await cri.runtime.runPodSandbox({ config: wanted });
    await cri.runtime.createContainer(container);
    for (const id of [podSandboxId, later]) {
      await cri.runtime.stopPodSandbox({ podSandboxId: id });
      await cri.runtime.removePodSandbox({ podSandboxId: id });
    }
    assert.deepEqual(await leftOn(node), []);
    assert.equal((await process.end("SIGTERM")).code, 0);
    assert.deepEqual(factRows(node), { sandboxes: 0, vms: 0, containers: 0 });
    assert.deepEqual(await processesOf(node), []);
  },
);

testWithMounts("a node process does not start on a full disk, and says why", async (node, stack) => {
  const disk = stack.use(await SmallDisk.mount(node.stateDir, MIB));
  await disk.fill();
  const { code, stderr } = await infranetes(["serve", "--config", node.file]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /No space left on device|disk is full/);
  assert.ok(stderr.includes(node.stateDir), stderr);
  await disk.free();
  await using process = await NodeProcess.start(node);
  assert.equal((await process.end("SIGTERM")).code, 0);
});

testWithMounts(
  "a log on a full disk waits in the VM and has every line once when there is room",
  async (node, stack) => {
    const lines = 60_000;
    const config = sandboxConfig(node, "full");
    const disk = stack.use(await SmallDisk.mount(config.logDirectory, 16 * MIB));
    await disk.fill(MIB);
    const process = stack.use(await NodeProcess.start(node));
    using cri = new Cri(node);
    const { podSandboxId } = await cri.runtime.runPodSandbox({ config });
    const script =
      `i=0; while [ $i -lt ${lines} ]; do echo "line $i of a log"; i=$((i+1)); done; exec sleep 1000`;
    const command = ["/bin/sh", "-c", script];
    const { containerId } = await cri.runtime.createContainer({
      podSandboxId,
      config: containerConfig("main", { command }),
    });
    await cri.runtime.startContainer({ containerId });

    await process.logged(
      /Log of container \S+ cannot be written, its agent keeps what comes: .*No space left/,
    );
    const alive = await cri.runtime.execSync({ containerId, cmd: ["echo", "alive"], timeout: 10n });
    assert.equal(new TextDecoder().decode(alive.stdout), "alive\n");
    await disk.free();
    await process.logged(/Log of container \S+ is written again/);
    await cri.runtime.stopContainer({ containerId, timeout: 60n });
    const { status } = await cri.runtime.containerStatus({ containerId });
    assert.equal(status?.state, ContainerState.CONTAINER_EXITED);
    const records = (await Deno.readTextFile(join(config.logDirectory, "main.log"))).split("\n");
    assert.equal(records.pop(), "");
    records.forEach((record, i) => assert.match(record, new RegExp(`^\\S{30} stdout F line ${i} of a log$`)));
    assert.equal(records.length, lines);

    await cri.runtime.stopPodSandbox({ podSandboxId });
    await cri.runtime.removePodSandbox({ podSandboxId });
    assert.deepEqual(await leftOn(node), []);
    assert.equal((await process.end("SIGTERM")).code, 0);
    assert.deepEqual(await processesOf(node), []);
  },
);
