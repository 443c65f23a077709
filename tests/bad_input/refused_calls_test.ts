// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Every call that is to be refused, on a node process with a pod: the code that says why, words that help, and nothing
 * left of it in lists, facts, files or processes.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Code, toStatus } from "../../protocol/status.ts";
import { endProcessesOf, leftOn, nodeConfig, processesOf, type TestNode } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { census, factRows } from "./census.ts";
import { containerConfig, Cri, sandboxConfig } from "./pod.ts";
import {
  CONTAINER_REFUSALS,
  ID_REFUSALS,
  IMAGE_REFUSALS,
  MOUNT_REFUSALS,
  type Refusal,
  SANDBOX_REFUSALS,
  SECRET,
  STATE_REFUSALS,
  type Subjects,
} from "./refusals.ts";

const MIB = 1024 * 1024;

/** A pod that is ready, with containers, and one that is stopped. */
async function subjects(node: TestNode, cri: Cri): Promise<Subjects> {
  const run = async (name: string) =>
    (await cri.runtime.runPodSandbox({ config: sandboxConfig(node, name) })).podSandboxId;
  const [ready, stopped] = await Promise.all(["ready", "stopped"].map(run));
  const create = async (name: string) => {
    const request = { podSandboxId: ready!, config: containerConfig(name) };
    return (await cri.runtime.createContainer(request)).containerId;
  };
  const [created, running] = [await create("created"), await create("running")];
  await cri.runtime.startContainer({ containerId: running });
  await cri.runtime.stopPodSandbox({ podSandboxId: stopped! });
  return { cri, node, ready: ready!, stopped: stopped!, created, running };
}

/** What is wrong with how these calls are answered: one line a call, so that all of a table are told at once. */
async function wrongAnswers(table: readonly Refusal[], on: Subjects): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, call, code, message = /^/] of table) {
    const error = await call(on).then(() => undefined, (error) => error);
    const got = error === undefined ? { code: Code.OK, message: "" } : toStatus(error);
    if (got.code !== code || !message.test(got.message) || got.message.includes(SECRET)) {
      wrong.push(`${name}: ${codeName(got.code)}, not ${codeName(code)} ${message}: ${got.message}`);
    }
  }
  return wrong;
}

function codeName(code: Code): string {
  return Object.keys(Code).find((name) => Code[name as keyof typeof Code] === code)!;
}

async function tooLarge(on: Subjects): Promise<void> {
  const { node, ready: podSandboxId, running: containerId } = on;
  using unlimited = new Cri(node, { maxMessageBytes: 64 * MIB });
  const annotations = { long: "x".repeat(17 * MIB) };
  const calls: Record<string, () => Promise<unknown>> = {
    RunPodSandbox: () =>
      unlimited.runtime.runPodSandbox({ config: sandboxConfig(node, "refused", { annotations }) }),
    CreateContainer: () =>
      unlimited.runtime.createContainer({
        podSandboxId,
        config: containerConfig("refused", { annotations }),
      }),
    ExecSync: () => unlimited.runtime.execSync({ containerId, cmd: [annotations.long] }),
  };
  const table = Object.entries(calls).map(([name, call]): Refusal => [
    `${name} of 17 MiB`,
    call,
    Code.RESOURCE_EXHAUSTED,
    /larger than max/,
  ]);
  assert.deepEqual(await wrongAnswers(table, on), []);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

Deno.test("what is refused is refused in words with the right code, and leaves nothing", async (t) => {
  const work = await Deno.makeTempDir({ prefix: "inf-bad-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(work, { recursive: true }));
  cleanup.defer(() => endProcessesOf(work));
  const node = await nodeConfig(work);
  const process = cleanup.use(await NodeProcess.start(node));
  using cri = new Cri(node);
  const on = await subjects(node, cri);
  const before = await census(node);

  const tables = {
    sandboxes: SANDBOX_REFUSALS,
    containers: CONTAINER_REFUSALS,
    mounts: MOUNT_REFUSALS,
    states: STATE_REFUSALS,
    ids: ID_REFUSALS,
    images: IMAGE_REFUSALS,
  };
  for (const [name, table] of Object.entries(tables)) {
    await t.step(name, async () => {
      assert.deepEqual(await wrongAnswers(table, on), []);
    });
  }
  await t.step("requests of 17 MiB", () => tooLarge(on));
  await t.step("filters for what does not exist find nothing", async () => {
    const id = "f".repeat(64);
    const { runtime, images } = cri;
    assert.deepEqual((await runtime.listPodSandbox({ filter: { id } })).items, []);
    assert.deepEqual((await runtime.listContainers({ filter: { id } })).containers, []);
    assert.deepEqual((await runtime.listContainers({ filter: { podSandboxId: id } })).containers, []);
    assert.deepEqual((await runtime.listContainerStats({ filter: { id } })).stats, []);
    assert.deepEqual((await runtime.listPodSandboxStats({ filter: { id } })).stats, []);
    assert.deepEqual((await images.listImages({ filter: { image: { image: "nginx" } } })).images, []);
    assert.equal((await images.imageStatus({ image: { image: "nginx" } })).image, undefined);
  });
  await t.step("nothing is left of it, and the pod goes on", async () => {
    assert.deepEqual(await census(node), before);
    const said = await cri.runtime.execSync({
      containerId: on.running,
      cmd: ["echo", "alive"],
      timeout: 10n,
    });
    assert.equal(new TextDecoder().decode(said.stdout), "alive\n");
    assert.deepEqual(await namesIn(join(work, "logs/ready")), ["running.log"]);
  });
  await t.step("after the pods nothing is left at all", async () => {
    for (const podSandboxId of [on.ready, on.stopped]) await cri.runtime.removePodSandbox({ podSandboxId });
    assert.deepEqual(await leftOn(node), []);
    assert.equal((await process.end("SIGTERM")).code, 0);
    assert.deepEqual(factRows(node), { sandboxes: 0, vms: 0, containers: 0 });
    assert.deepEqual(await processesOf(node), []);
    assert.deepEqual((await namesIn(work)).filter((name) => name.endsWith(".sock")), []);
    assert.ok(!(await process.log()).includes(SECRET), "a secret is in the log");
  });
});
