// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** A pod's whole life as CRI calls over a unix socket, on the fake provider, the way a kubelet makes them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ContainerState, PodSandboxState } from "../../protocol/gen/cri_pb.ts";
import { Code, type RpcError } from "../../protocol/status.ts";
import { CriNode, until } from "./cri_node.ts";

const TERMINATION_PATH = "/dev/termination-log";

function sandboxConfig(node: CriNode, name = "web", attempt = 0) {
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt },
    hostname: name,
    logDirectory: join(node.folder, "logs", name),
    labels: { "io.kubernetes.pod.uid": `uid-${name}` },
    annotations: { "kubernetes.io/config.source": "api" },
    linux: {
      cgroupParent: "/kubepods/pod1",
      securityContext: { namespaceOptions: { network: 0, pid: 1, ipc: 0, usernsOptions: { mode: 2 } } },
    },
  };
}

function containerConfig(image: string, script: string, attempt = 0) {
  return {
    metadata: { name: "app", attempt },
    image: { image, userSpecifiedImage: "infranetes.io/exec" },
    command: ["sh", "-c", script],
    envs: [{ key: "WHO", value: new TextEncoder().encode("world") }],
    labels: { "io.kubernetes.container.name": "app" },
    annotations: { "io.kubernetes.container.terminationMessagePath": TERMINATION_PATH },
    logPath: `app/${attempt}.log`,
  };
}

async function code(call: Promise<unknown>): Promise<number> {
  return await call.then(() => Code.OK, (error: RpcError) => error.code);
}

/** What a file of CRI log records says, without times. */
async function said(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").slice(0, -1).map((record) => record.slice(31));
}

Deno.test("A kubelet's start finds a node that is ready", async () => {
  await using node = await CriNode.open();
  const version = await node.runtime.version({});
  assert.deepEqual(
    [version.version, version.runtimeName, version.runtimeApiVersion],
    ["0.1.0", "infranetes", "v1"],
  );
  assert.match(version.runtimeVersion, /^\d+\.\d+\.\d+$/);
  const { imageFilesystems: [filesystem] } = await node.images.imageFsInfo({});
  assert.notEqual(filesystem?.usedBytes, undefined);
  assert.ok((await Deno.stat(filesystem!.fsId!.mountpoint)).isDirectory);
  const { status, runtimeHandlers, info } = await node.runtime.status({ verbose: true });
  assert.deepEqual(
    status?.conditions.map((each) => [each.type, each.status]),
    [["RuntimeReady", true], ["NetworkReady", true]],
  );
  assert.deepEqual(runtimeHandlers.map((each) => each.name), ["", "default"]);
  assert.equal(JSON.parse(info.info!).cluster, "test");
  assert.equal((await node.runtime.runtimeConfig({})).linux?.cgroupDriver, 1);
  await node.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: "10.1.2.0/24" } } });
  assert.deepEqual((await node.runtime.listContainerStats({})).stats, []);
});

Deno.test("A pod lives from RunPodSandbox to RemovePodSandbox and leaves nothing", async () => {
  await using node = await CriNode.open();
  const { runtime, images } = node;
  const config = sandboxConfig(node);
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const { status: sandbox } = await runtime.podSandboxStatus({ podSandboxId });
  assert.equal(sandbox?.state, PodSandboxState.SANDBOX_READY);
  assert.match(sandbox!.network!.ip, /^\d+\.\d+\.\d+\.\d+$/);

  const asked = "infranetes.io/exec";
  await images.pullImage({ image: { image: asked } });
  const { image } = await images.imageStatus({ image: { image: asked } });
  const termination = join(node.folder, "termination");
  await Deno.writeTextFile(termination, "");
  const container = {
    ...containerConfig(image!.id, "echo hello; sleep 100"),
    mounts: [{ containerPath: TERMINATION_PATH, hostPath: termination }],
  };
  const request = { podSandboxId, config: container, sandboxConfig: config };
  const { containerId } = await runtime.createContainer(request);
  assert.equal((await runtime.createContainer(request)).containerId, containerId);
  await runtime.startContainer({ containerId });

  const { status } = await runtime.containerStatus({ containerId });
  assert.equal(status?.state, ContainerState.CONTAINER_RUNNING);
  assert.equal(status.imageRef, image!.id);
  assert.equal(status.logPath, join(config.logDirectory, "app/0.log"));
  assert.deepEqual(status.mounts.map((mount) => mount.hostPath), [termination]);
  const { containers } = await runtime.listContainers({ filter: { state: { state: 1 }, podSandboxId } });
  assert.deepEqual(containers.map((each) => each.id), [containerId]);
  const { stdout, exitCode } = await runtime.execSync({ containerId, cmd: ["printf", "x"], timeout: 5n });
  assert.deepEqual([new TextDecoder().decode(stdout), exitCode], ['["printf","x"]\n', 0]);
  const { stats } = await runtime.listContainerStats({});
  assert.equal(stats[0]?.attributes?.id, containerId);
  assert.ok(stats[0].cpu!.timestamp > 0n && stats[0].memory!.timestamp > 0n);
  assert.equal((await runtime.podSandboxStats({ podSandboxId })).stats?.linux?.containers.length, 1);

  await runtime.stopContainer({ containerId, timeout: 5n });
  const { status: exited } = await runtime.containerStatus({ containerId });
  assert.equal(exited?.state, ContainerState.CONTAINER_EXITED);
  assert.deepEqual(await said(exited!.logPath), ["stdout F hello"]);
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.stopPodSandbox({ podSandboxId });
  assert.equal((await runtime.containerStatus({ containerId })).status?.exitCode, exited!.exitCode);
  await runtime.removeContainer({ containerId });
  await runtime.removePodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });

  assert.equal(await code(runtime.containerStatus({ containerId })), Code.NOT_FOUND);
  assert.equal(await code(runtime.podSandboxStatus({ podSandboxId })), Code.NOT_FOUND);
  assert.deepEqual((await runtime.listPodSandbox({})).items, []);
  const { store, containers: { logs, locks }, tasks } = node.node;
  assert.deepEqual([...store.sandboxes.all(), ...store.vms.all(), ...store.containers.all()], []);
  assert.deepEqual([logs.size, locks.size, node.cloud.vms.length], [0, 0, 0]);
  assert.ok(tasks.size <= 1, "only garbage collection goes on");
  assert.deepEqual(await said(join(config.logDirectory, "app/0.log")), ["stdout F hello"]);
});

Deno.test("A log that the kubelet rotates under a restarted node has every line once", async () => {
  await using node = await CriNode.open();
  const { runtime } = node;
  const config = sandboxConfig(node);
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const wanted = {
    podSandboxId,
    config: containerConfig("infranetes.io/exec", "sleep 1000"),
    sandboxConfig: config,
  };
  const { containerId } = await runtime.createContainer(wanted);
  await runtime.startContainer({ containerId });
  const path = join(config.logDirectory, "app/0.log");
  const lines = (from: number) => Array.from({ length: 500 }, (_, number) => `line ${from + number}`);
  const vm = node.vmOf(podSandboxId);

  vm.emitLog(containerId, lines(0));
  await Deno.rename(path, `${path}.1`);
  await runtime.reopenContainerLog({ containerId });
  vm.emitLog(containerId, lines(500));
  await node.restart();
  vm.emitLog(containerId, lines(1000));
  await Deno.rename(path, `${path}.2`);
  await node.restart();
  vm.emitLog(containerId, lines(1500));
  await until(node.node, () => node.node.model.container(containerId)!.state.kind === "running");
  await runtime.reopenContainerLog({ containerId });
  vm.emitLog(containerId, lines(2000), "stderr");
  await runtime.stopContainer({ containerId, timeout: 0n });

  const all = [...await said(`${path}.1`), ...await said(`${path}.2`), ...await said(path)];
  const out = lines(0).concat(lines(500), lines(1000), lines(1500)).map((line) => `stdout F ${line}`);
  assert.deepEqual(all, [...out, ...lines(2000).map((line) => `stderr F ${line}`)]);
});

Deno.test("Bad requests get the code that says why", async () => {
  await using node = await CriNode.open();
  const { runtime, images } = node;
  const config = sandboxConfig(node);
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const container = containerConfig("infranetes.io/exec", "sleep 100");
  const create = (change: object) =>
    runtime.createContainer({ podSandboxId, config: { ...container, ...change } });

  assert.equal(await code(runtime.createContainer({ podSandboxId })), Code.INVALID_ARGUMENT);
  assert.equal(await code(create({ image: { image: "nginx" } })), Code.NOT_FOUND);
  assert.equal(
    await code(create({ mounts: [{ containerPath: "/d", hostPath: "/no/such" }] })),
    Code.FAILED_PRECONDITION,
  );
  const { containerId } = await create({});
  assert.equal(await code(create({ command: ["true"] })), Code.ALREADY_EXISTS);
  assert.equal(await code(runtime.execSync({ containerId, cmd: ["true"] })), Code.FAILED_PRECONDITION);
  assert.equal(await code(runtime.reopenContainerLog({ containerId })), Code.FAILED_PRECONDITION);
  assert.equal(await code(runtime.containerStats({ containerId })), Code.FAILED_PRECONDITION);
  await runtime.startContainer({ containerId });
  assert.equal(await code(runtime.startContainer({ containerId })), Code.FAILED_PRECONDITION);
  const late = runtime.execSync({ containerId, cmd: ["sleep", "100"], timeout: 1n });
  assert.equal(await code(late), Code.DEADLINE_EXCEEDED);
  await assert.rejects(images.pullImage({ image: { image: "nginx" } }), /infranetes\.io\/exec:latest/);
  const cidr = runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: "10.1.2.0/33" } } });
  assert.equal(await code(cidr), Code.INVALID_ARGUMENT);
  const update = { containerId, linux: { cpuShares: 2n } };
  assert.equal(await code(runtime.updateContainerResources(update)), Code.UNIMPLEMENTED);
  assert.equal(await code(runtime.updateContainerResources({ containerId, linux: {} })), Code.OK);
});

Deno.test("What is not there answers UNIMPLEMENTED", async () => {
  await using node = await CriNode.open();
  const { runtime } = node;
  const calls = [
    runtime.exec({}),
    runtime.attach({}),
    runtime.portForward({}),
    runtime.checkpointContainer({}),
    runtime.updatePodSandboxResources({}),
    runtime.listMetricDescriptors({}),
    runtime.listPodSandboxMetrics({}),
    Array.fromAsync(runtime.getContainerEvents({})),
    Array.fromAsync(runtime.streamPodSandboxMetrics({})),
  ];
  assert.deepEqual(await Promise.all(calls.map(code)), calls.map(() => Code.UNIMPLEMENTED));
});
