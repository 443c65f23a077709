// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { ContainerPhase, type WatchResponse } from "../../protocol/gen/agent_pb.ts";
import { Code } from "../../protocol/status.ts";
import { readLog, rejects } from "./calls.ts";
import { LocalAgent } from "./local_agent.ts";
import { SANDBOX_ID, shell } from "./requests.ts";

const { CREATED, RUNNING, EXITED } = ContainerPhase;

/** The node's end of a watch. */
class Watcher implements AsyncDisposable {
  readonly #events: AsyncIterator<WatchResponse>;
  readonly #stop = new AbortController();
  readonly #acknowledged: bigint[] = [];
  #wake = Promise.withResolvers<void>();

  constructor({ sandbox }: LocalAgent) {
    this.#events = sandbox.watch(this.#requests(), { signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  async next(): Promise<WatchResponse> {
    const { value, done } = await this.#events.next();
    assert(!done, "Watch ended");
    return value;
  }

  /** The next event that is no heartbeat. */
  async change(): Promise<WatchResponse> {
    for (;;) {
      const response = await this.next();
      if (response.event.case !== "heartbeat") return response;
    }
  }

  acknowledge(sequence: bigint): void {
    this.#acknowledged.push(sequence);
    this.#wake.resolve();
  }

  async *#requests() {
    for (;;) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      for (const acknowledged of this.#acknowledged.splice(0)) yield { acknowledged };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#events.next().catch(() => {});
  }
}

Deno.test("Watch begins with a snapshot and tells each change after it, in order", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "exit 4"));
  await using watcher = new Watcher(agent);
  const first = await watcher.next();
  assert(first.event.case === "snapshot");
  const { sandboxId, bootId, containers: states } = first.event.value;
  assert.equal(sandboxId, SANDBOX_ID);
  assert.equal(bootId, agent.agent.bootId);
  assert.deepEqual(states.map(({ id, phase }) => [id, phase]), [["c1", CREATED]]);
  await containers.start({ containerId: "c1" });
  const phases: ContainerPhase[] = [];
  let last = first.sequence;
  while (phases.at(-1) !== EXITED) {
    const { incarnation, sequence, event } = await watcher.change();
    assert(event.case === "changed");
    assert.equal(incarnation, first.incarnation);
    assert.equal(event.value.sequence, sequence);
    assert(sequence > last);
    last = sequence;
    phases.push(event.value.phase);
    if (event.value.phase === EXITED) assert.equal(event.value.exitCode, 4);
  }
  // The running state may have melted into the exit that followed at once.
  assert([`${RUNNING},${EXITED}`, `${EXITED}`].includes(phases.join()), phases.join());
  const { sequence } = await containers.remove({ containerId: "c1" });
  const removed = await watcher.change();
  assert.deepEqual([removed.event.case, removed.event.value, removed.sequence], ["removed", "c1", sequence]);
});

Deno.test("Watch tells that the agent lives, and what its containers use", async () => {
  await using agent = await LocalAgent.start({ heartbeatMs: 20 });
  const { containers } = agent;
  await containers.create(shell("busy", "while :; do :; done & while :; do :; done"));
  await containers.start({ containerId: "busy" });
  await using watcher = new Watcher(agent);
  assert.equal((await watcher.next()).event.case, "snapshot");
  let before = 0n;
  for (let beats = 0; beats < 3;) {
    const { event } = await watcher.next();
    assert(event.case === "heartbeat");
    const [usage] = event.value.usage;
    assert(event.value.agentRssBytes > 1_000_000n && event.value.time > 0n);
    assert.equal(usage?.id, "busy");
    assert.equal(usage.processes, 2);
    assert(usage.memoryWorkingSetBytes >= usage.memoryRssBytes && usage.memoryRssBytes > 0n);
    assert(usage.cpuNanoseconds >= before);
    // Time is counted in hundredths of a second.
    if (usage.cpuNanoseconds > before) beats += 1;
    before = usage.cpuNanoseconds;
  }
});

Deno.test("Watch changes its pace at once when the node asks for another", async () => {
  await using agent = await LocalAgent.start({ heartbeatMs: 3_600_000 });
  await using watcher = new Watcher(agent);
  assert.equal((await watcher.next()).event.case, "snapshot");
  const next = watcher.next();
  agent.agent.heartbeatMs = 1;
  assert.equal((await next).event.case, "heartbeat");
});

Deno.test("Watch is refused while the session has one", async () => {
  await using agent = await LocalAgent.start();
  await using watcher = new Watcher(agent);
  await watcher.next();
  await using second = new Watcher(agent);
  await rejects(second.next(), Code.FAILED_PRECONDITION, /has a watch already/);
});

Deno.test("Watch holds changes back while too many are not acknowledged, and melts them meanwhile", async () => {
  await using agent = await LocalAgent.start();
  const { agent: { containers: entries }, containers } = agent;
  await containers.create(shell("c1", "true"));
  await using watcher = new Watcher(agent);
  await watcher.next();
  const entry = entries.get("c1")!;
  let told = 0;
  let last = 0n;
  for (; told < 255; told++) {
    entry.engine.onchange?.();
    last = (await watcher.change()).sequence;
  }
  for (let i = 0; i < 1000; i++) entry.engine.onchange?.();
  agent.agent.heartbeatMs = 1;
  for (let i = 0; i < 3; i++) assert.equal((await watcher.next()).event.case, "heartbeat");
  agent.agent.heartbeatMs = 3_600_000;
  watcher.acknowledge(last);
  const { event, sequence } = await watcher.change();
  assert(event.case === "changed");
  assert.equal(event.value.sequence, sequence);
  assert.equal(sequence, last + 1000n);
});

Deno.test("Watch tells of an exit only when the log is complete", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "head -c 2000000 /dev/zero | tr '\\0' 'x'"));
  await using watcher = new Watcher(agent);
  await watcher.next();
  await containers.start({ containerId: "c1" });
  for (;;) {
    const { event } = await watcher.change();
    assert(event.case === "changed");
    if (event.value.phase !== EXITED) continue;
    assert.equal((await readLog(containers, "c1")).length, Number(event.value.logEnd));
    assert(event.value.logEnd > 2_000_000n);
    return;
  }
});
