// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { randomIds } from "../../lib/ids.ts";
import type { PodProvider } from "../../providers/provider.ts";
import { spawnNode } from "./node_process.ts";
import { ProcessWorld } from "./process_world.ts";

const signal = AbortSignal.timeout(120_000);
/** A new one each run: two runs at a time must not delete each other's VMs. */
const VM_ID = randomIds.vmId();

/**
 * Runs a node process that creates or deletes a VM and kills it at the n-th thing that happens in its directory. Answers
 * false if it came to its end first.
 */
async function killAt(world: ProcessWorld, act: "create" | "delete", n: number): Promise<boolean> {
  using watcher = Deno.watchFs(world.directory);
  const child = spawnNode(world.directory, VM_ID, act);
  const killed = killAtEvent(watcher, child, n);
  // A node that has come through reads the end of its standard input and ends.
  const stdin = child.stdin.close();
  const { signal: by } = await child.status;
  watcher.close();
  await Promise.all([killed, stdin.catch(() => {})]);
  return by === "SIGKILL";
}

async function killAtEvent(watcher: Deno.FsWatcher, child: Deno.ChildProcess, n: number): Promise<void> {
  let seen = 0;
  for await (const { kind } of watcher) {
    if (kind === "access") continue;
    seen += 1;
    if (seen < n) continue;
    try {
      child.kill("SIGKILL");
    } catch {
      return; // It has ended by itself.
    }
  }
}

async function deleteAll(provider: PodProvider): Promise<void> {
  for (const { instanceId } of await provider.list(signal)) {
    await provider.delete(instanceId, signal);
    await assert.rejects(provider.describe(instanceId, signal), { name: "NotFoundError" });
  }
}

function create(provider: PodProvider) {
  const tags = { cluster: "suite", node: "node-1", vmId: VM_ID, sandboxId: "", createdAt: 0 };
  const size = { cpus: 1, memoryBytes: 1, image: "", cgroupParent: "" };
  return provider.create({ vmId: VM_ID, token: "token", tags, userData: "{}", ...size }, signal);
}

Deno.test("process provider: a node killed anywhere in create() leaves a VM that is listed, or nothing", async () => {
  const outcomes = new Set<string>();
  for (let n = 1;; n++) {
    await using world = await ProcessWorld.create();
    const cameThrough = !await killAt(world, "create", n);
    const exists = (await world.inventory()).includes(`${world.directory}/${VM_ID}/vm.json`);
    if (!exists) assert.deepEqual(await world.processes(), [], "Processes run without a VM");
    const provider = await world.newProvider();
    const vms = await provider.list(signal);
    assert.equal(vms.length, exists ? 1 : 0);
    outcomes.add(vms[0]?.state ?? "nothing");
    // The retry of a restarted node gets the same VM, running.
    assert.equal((await create(provider)).state, "running");
    assert.equal((await provider.list(signal)).length, 1);
    await deleteAll(provider);
    assert.deepEqual(await world.inventory(), []);
    await provider.close();
    if (cameThrough) break;
  }
  assert.ok(outcomes.size > 1, `Every crash came at the same place: ${[...outcomes]}`);
});

Deno.test("process provider: a node killed anywhere in delete() leaves a VM that can be deleted, or nothing", async () => {
  for (let n = 1;; n++) {
    await using world = await ProcessWorld.create();
    const first = await world.newProvider();
    await create(first);
    const cameThrough = !await killAt(world, "delete", n);
    const provider = await world.newProvider();
    if ((await provider.list(signal)).length === 0) assert.deepEqual(await world.inventory(), []);
    await deleteAll(provider);
    assert.deepEqual(await world.inventory(), []);
    await Promise.all([first.close(), provider.close()]);
    if (cameThrough) break;
  }
});
