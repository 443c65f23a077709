// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { untilAborted } from "../lib/deadline.ts";
import { UnavailableError } from "../lib/errors.ts";
import type { PodProvider } from "../providers/provider.ts";
import { recover } from "./recovery.ts";
import { removeSandbox } from "./sandbox_remove.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { type HarnessOptions, NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";

Deno.test("recover() shows running pods at once, as they were, without asking anybody", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.vmOf(id).unplug();
  await harness.stop();
  harness.restart();
  const { model } = harness.node;
  assert.equal(model.sandbox(id)!.state.kind, "ready");
  assert.equal(model.container(container)!.state.kind, "running");
  assert.equal(harness.node.agents.get(model.sandbox(id)!.facts.vmId), undefined);
});

Deno.test("recover() adopts a running VM, and what happened meanwhile comes with it", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const kept = await harness.addContainer(id, "kept");
  const ended = await harness.addContainer(id, "ended");
  const vm = harness.vmOf(id);
  await harness.stop();
  vm.exitContainer(ended, 7);
  harness.restart();
  await harness.clock.pass(5_000);
  assert.ok(harness.node.agents.get(harness.node.model.sandbox(id)!.facts.vmId));
  assert.equal(harness.node.model.container(kept)!.state.kind, "running");
  assert.equal(harness.node.model.container(ended)!.agentState!.exitCode, 7);
  assert.equal(harness.cloud.calls("create"), 1);
  await harness.clock.pass(400_000);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "ready");
});

Deno.test("recover() says UNKNOWN of a container whose start it cannot know of, until its agent calls", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main", { running: false });
  harness.node.store.containers.update(container, { startIntentAt: 1 }, "container start intent");
  await harness.stop();
  harness.restart();
  assert.equal(harness.node.model.container(container)!.state.kind, "unknown");
  await harness.clock.pass(5_000);
  assert.equal(harness.node.model.container(container)!.state.kind, "created");
});

Deno.test("recover() ends pods whose VMs are gone, as after a reboot of the node", async () => {
  await using harness = await NodeHarness.open();
  const ids = [await harness.startNow(podRequest("a")), await harness.startNow(podRequest("b"))];
  const container = await harness.addContainer(ids[0]!, "main");
  await harness.stop();
  for (const vm of harness.cloud.vms) harness.cloud.delete(vm);
  harness.restart();
  await harness.clock.pass(10_000);
  for (const id of ids) assert.equal(harness.node.model.sandbox(id)!.state.kind, "lost");
  assert.equal(harness.node.model.container(container)!.agentState!.reason, "VmLost");
});

Deno.test("recover() finishes a stop and a removal that were begun", async () => {
  await using harness = await NodeHarness.open();
  harness.cloud.knobs = { ...harness.cloud.knobs, deletion: 60_000 };
  const stopped = await harness.startNow(podRequest("stopped"));
  const removed = await harness.startNow(podRequest("removed"));
  const { signal } = harness.context();
  const begun = [stopSandbox(harness.node, stopped, signal), removeSandbox(harness.node, removed, signal)];
  begun.forEach((each) => each.catch(() => {}));
  await harness.clock.pass(1_000);
  await harness.stop();
  harness.restart();
  assert.equal(harness.node.model.sandbox(stopped)!.state.kind, "stopping");
  assert.equal(harness.node.model.sandbox(removed)!.state.kind, "removing");
  await harness.clock.pass(120_000);
  assert.equal(harness.node.model.sandbox(stopped)!.state.kind, "stopped");
  assert.equal(harness.node.model.sandbox(removed), undefined);
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("recover() resumes a start that nobody waits for, and takes it back if it fails", async () => {
  await using harness = await NodeHarness.open({ timeouts: { run: 30_000 } });
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 3_600_000 };
  harness.start().catch(() => {});
  await harness.clock.pass(1_000);
  await harness.stop();
  assert.equal(harness.cloud.vms.length, 1);
  harness.restart();
  await harness.clock.pass(60_000);
  assert.deepEqual(harness.node.store.sandboxes.all(), []);
  assert.equal(harness.cloud.vms.length, 0);
});

Deno.test("what was given up because no fact could be recorded is taken up again by itself", async () => {
  let full = false;
  await using harness = await NodeHarness.open({
    timeouts: { run: 30_000, lostAfter: 60_000 },
    garbage: { interval: 60_000 },
    ontransaction: () => {
      if (full) throw new UnavailableError("database or disk is full");
    },
  });
  recover(harness.node);
  const lost = await harness.startNow(podRequest("lost"));
  const removed = await harness.startNow(podRequest("removed"));
  harness.cloud.knobs = { ...harness.cloud.knobs, boot: 10_000 };
  const starting = harness.start(podRequest("starting"));
  starting.catch(() => {});
  await harness.clock.pass(5_000);
  const removal = removeSandbox(harness.node, removed, harness.context().signal);
  removal.catch(() => {});
  harness.vmOf(lost).unplug();
  full = true;
  await harness.clock.pass(600_000);
  await assert.rejects(starting, /did not start/);
  const kinds = () => [...harness.node.model.sandboxes()].map((each) => each.state.kind);
  assert.ok(!kinds().includes("lost"));
  full = false;
  await harness.clock.pass(200_000);
  // The start that nobody had asked to end was begun again.
  assert.deepEqual(kinds(), ["lost", "ready"]);
  assert.equal(harness.cloud.vms.length, 1);
});

/** The process dies right after its n-th fact: nothing more is recorded, and no call of it reaches the cloud. */
class Crash {
  readonly facts: string[] = [];
  readonly #at: number;
  readonly #dead = new AbortController();

  constructor(at: number) {
    this.#at = at;
  }

  get happened(): boolean {
    return this.#dead.signal.aborted;
  }

  get options(): HarnessOptions {
    return {
      ontransaction: () => this.#dead.signal.throwIfAborted(),
      afterFact: (fact) => {
        this.facts.push(fact);
        if (this.facts.length !== this.#at) return;
        this.#dead.abort(new Error("The process was killed"));
        throw this.#dead.signal.reason;
      },
      wrap: (provider): PodProvider => ({
        name: provider.name,
        create: (spec, signal) => this.#reach(() => provider.create(spec, signal)),
        list: (signal) => this.#reach(() => provider.list(signal)),
        describe: (id, signal) => this.#reach(() => provider.describe(id, signal)),
        delete: (id, signal) => this.#reach(() => provider.delete(id, signal)),
        localLink: (id, signal) => this.#reach(() => provider.localLink(id, signal)),
        close: () => provider.close(),
      }),
    };
  }

  async #reach<T>(call: () => Promise<T>): Promise<T> {
    this.#dead.signal.throwIfAborted();
    return await untilAborted(call(), this.#dead.signal);
  }
}

/** A pod's life as its kubelet asks for it; each step is asked for again after a crash. */
const LIFE: readonly ((harness: NodeHarness, ids: string[]) => Promise<void>)[] = [
  async (harness, ids) => void ids.push(await harness.start(podRequest("web"))),
  (harness, ids) => stopSandbox(harness.node, ids.at(-1)!, harness.context().signal),
  (harness, ids) => removeSandbox(harness.node, ids.at(-1)!, harness.context().signal),
];

/** Lives the life until `steps` are done, with a crash after the n-th fact. Answers whether it came to that. */
async function liveWithCrash(at: number, steps: number): Promise<{ crashed: boolean; harness: NodeHarness }> {
  const crash = new Crash(at);
  const harness = await NodeHarness.open(crash.options);
  const ids: string[] = [];
  let crashed = false;
  for (const step of LIFE.slice(0, steps)) {
    const asked = step(harness, ids);
    asked.catch(() => {});
    await harness.run(Promise.race([asked.catch(() => {}), harness.clock.sleep(1_000)]));
    if (!crash.happened || crashed) continue;
    crashed = true;
    await harness.stop();
    harness.restart({});
    await harness.run(step(harness, ids));
  }
  return { crashed, harness };
}

Deno.test("a process that is killed after any fact of a start ends with exactly the pod that was asked for", async () => {
  let facts = 0;
  for (let at = 1;; at++) {
    const { crashed, harness } = await liveWithCrash(at, 1);
    await using _harness = harness;
    await harness.clock.pass(3_600_000); // Garbage is collected meanwhile.
    const sandboxes = [...harness.node.model.sandboxes()];
    assert.deepEqual(sandboxes.map((each) => each.state.kind), ["ready"], `crash after fact ${at}`);
    assert.equal(harness.cloud.vms.length, 1, `crash after fact ${at}`);
    assert.equal(harness.cloud.vms[0]!.spec.tags.sandboxId, sandboxes[0]!.id);
    if (!crashed) break;
    facts++;
  }
  assert.ok(facts >= 4, `only ${facts} facts`);
});

Deno.test("a process that is killed after any fact of a pod's life leaves nothing of it in the end", async () => {
  let facts = 0;
  for (let at = 1;; at++) {
    const { crashed, harness } = await liveWithCrash(at, 3);
    await using _harness = harness;
    await harness.clock.pass(3_600_000);
    assert.deepEqual(
      [...harness.node.model.sandboxes(), ...harness.node.model.vms()],
      [],
      `after fact ${at}`,
    );
    assert.equal(harness.cloud.vms.length, 0, `crash after fact ${at}`);
    if (!crashed) break;
    facts++;
  }
  assert.ok(facts >= 8, `only ${facts} facts`);
});
