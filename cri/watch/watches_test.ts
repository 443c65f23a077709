// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { UnavailableError } from "../../lib/errors.ts";
import {
  ContainerPhase,
  ContainerStateSchema,
  type WatchResponseSchema,
} from "../../protocol/gen/agent_pb.ts";
import { idle } from "../testing/auto_clock.ts";
import { NodeHarness } from "../testing/node_harness.ts";
import { podRequest } from "../testing/pod_request.ts";
import { foldState } from "./fold.ts";

Deno.test("a watch folds a container's end without anybody asking", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.vmOf(id).exitContainer(container, 3);
  await idle();
  const { state, facts } = harness.node.model.container(container)!;
  assert.ok(state.kind === "exited");
  assert.deepEqual([state.agent.exitCode, state.agent.reason], [3, "Error"]);
  assert.ok(facts.lastState);
});

Deno.test("a watch tells an exit only after its exit hooks", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const drained = Promise.withResolvers<void>();
  const told: string[] = [];
  harness.node.exitHooks.add(async (entry, state) => {
    told.push(`${entry.id === container} ${state.exitCode} ${entry.state.kind}`);
    await drained.promise;
  });
  harness.vmOf(id).exitContainer(container, 0);
  await harness.clock.pass(5_000);
  assert.deepEqual(told, ["true 0 running"]);
  assert.equal(harness.node.model.container(container)!.state.kind, "running");
  drained.resolve();
  await idle();
  assert.equal(harness.node.model.container(container)!.state.kind, "exited");
});

Deno.test("a watch tells an exit although its hook fails or never ends", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const failing = await harness.addContainer(id, "failing");
  const hanging = await harness.addContainer(id, "hanging");
  harness.node.exitHooks.add((entry, _state, signal) => {
    if (entry.id === failing) throw new Error("disk full");
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  harness.vmOf(id).exitContainer(failing, 0);
  harness.vmOf(id).exitContainer(hanging, 0);
  await idle();
  assert.equal(harness.node.model.container(failing)!.state.kind, "exited");
  assert.equal(harness.node.model.container(hanging)!.state.kind, "running");
  await harness.clock.pass(31_000);
  assert.equal(harness.node.model.container(hanging)!.state.kind, "exited");
});

Deno.test("an exit that waits for its hooks does not hold up other containers", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const slow = await harness.addContainer(id, "slow");
  const quick = await harness.addContainer(id, "quick");
  harness.node.exitHooks.add(async (entry, _state, signal) => {
    if (entry.id === slow) await harness.clock.sleep(20_000, signal);
  });
  harness.vmOf(id).exitContainer(slow, 0);
  harness.vmOf(id).exitContainer(quick, 0);
  await idle();
  assert.equal(harness.node.model.container(quick)!.state.kind, "exited");
  assert.equal(harness.node.model.container(slow)!.state.kind, "running");
});

Deno.test("a watch acknowledges up to what is folded and not beyond an exit that waits", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const { agent } = harness.vmOf(id);
  await idle();
  assert.equal(agent.acknowledged, agent.sequence);
  const before = agent.sequence;
  const drained = Promise.withResolvers<void>();
  harness.node.exitHooks.add(() => drained.promise);
  harness.vmOf(id).exitContainer(container, 0);
  await harness.clock.pass(15_000); // A heartbeat later.
  assert.ok(agent.sequence > before + 1n);
  assert.equal(agent.acknowledged, before);
  drained.resolve();
  await idle();
  assert.equal(agent.acknowledged, agent.sequence);
});

Deno.test("foldState() never puts an older state over a newer one", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const entry = harness.node.model.container(container)!;
  const running = entry.agentState!;
  const fold = (patch: { phase?: ContainerPhase; sequence?: bigint; pid?: number; exitCode?: number }) =>
    foldState(harness.node, container, create(ContainerStateSchema, { ...running, ...patch }));
  await fold({ sequence: running.sequence, pid: 77 });
  await fold({ sequence: running.sequence - 1n, pid: 78 });
  await fold({ sequence: running.sequence + 5n, phase: ContainerPhase.CREATED });
  await fold({ sequence: running.sequence + 6n, phase: ContainerPhase.UNSPECIFIED });
  assert.equal(entry.agentState!.pid, running.pid);
  assert.equal(entry.state.kind, "running");
  await fold({ sequence: running.sequence + 1n, pid: 79 });
  assert.equal(entry.agentState!.pid, 79);
  await fold({ sequence: running.sequence + 2n, phase: ContainerPhase.EXITED, exitCode: 1 });
  await fold({ sequence: running.sequence + 9n, phase: ContainerPhase.EXITED, exitCode: 2 });
  await fold({ sequence: running.sequence + 9n, phase: ContainerPhase.RUNNING });
  assert.equal(entry.agentState!.exitCode, 1);
});

Deno.test("foldState() keeps what an agent says to a bounded length", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const long = "x".repeat(1_000_000);
  const state = create(ContainerStateSchema, {
    id: container,
    phase: ContainerPhase.EXITED,
    reason: long,
    message: long,
    terminationMessage: new Uint8Array(1_000_000),
  });
  await foldState(harness.node, container, state);
  assert.ok(harness.node.model.container(container)!.facts.lastState!.length < 10_000);
});

Deno.test("an agent that was restarted is folded again from its first number on", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const vm = harness.vmOf(id);
  for (let i = 0; i < 20; i++) vm.agent.container(container).renumber();
  await idle();
  vm.restartAgent();
  await harness.clock.pass(2_000);
  const { agentState } = harness.node.model.container(container)!;
  assert.ok(agentState!.sequence < 20n);
  vm.exitContainer(container, 4);
  await idle();
  assert.equal(harness.node.model.container(container)!.agentState!.exitCode, 4);
});

Deno.test("what happened while there was no session comes with the next snapshot", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const vm = harness.vmOf(id);
  vm.unplug();
  await idle();
  vm.exitContainer(container, 9);
  await idle();
  assert.equal(harness.node.model.container(container)!.state.kind, "running");
  vm.plug();
  await harness.clock.pass(2_000);
  assert.equal(harness.node.model.container(container)!.agentState!.exitCode, 9);
});

Deno.test("a container that its snapshot lacks is lost", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  const vm = harness.vmOf(id);
  vm.unplug();
  vm.agent.containers.delete(container);
  vm.plug();
  await harness.clock.pass(2_000);
  const { agentState } = harness.node.model.container(container)!;
  assert.deepEqual([agentState!.exitCode, agentState!.reason], [137, "ContainerLost"]);
});

Deno.test("a container that its agent removes without being asked is lost", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.vmOf(id).agent.containers.delete(container);
  harness.vmOf(id).agent.inject([{
    incarnation: harness.vmOf(id).agent.incarnation,
    sequence: harness.vmOf(id).agent.nextSequence(),
    event: { case: "removed", value: container },
  }]);
  await idle();
  assert.equal(harness.node.model.container(container)!.agentState!.reason, "ContainerLost");
});

Deno.test("a container whose removal was asked for is not lost when the agent has removed it", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  harness.node.store.containers.update(container, { removeIntentAt: 1 }, "container remove intent");
  harness.vmOf(id).agent.removeContainer(container);
  await idle();
  assert.notEqual(harness.node.model.container(container)!.agentState!.reason, "ContainerLost");
});

Deno.test("a container on an agent that nobody knows is removed there", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const vm = harness.vmOf(id);
  vm.unplug();
  vm.agent.addContainer("e".repeat(64), new Uint8Array());
  vm.plug();
  await harness.clock.pass(2_000);
  assert.equal(vm.agent.containers.size, 0);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "ready");
});

Deno.test("an agent that tells of another sandbox, or of its containers, is cut off", async () => {
  await using harness = await NodeHarness.open();
  const mine = await harness.startNow(podRequest("mine"));
  const theirs = await harness.startNow(podRequest("theirs"));
  const container = await harness.addContainer(theirs, "main");
  const vm = harness.vmOf(mine);
  const bootId = vm.agent.bootId;
  const foreign = create(ContainerStateSchema, {
    id: container,
    phase: ContainerPhase.EXITED,
    sequence: 1000n,
    exitCode: 66,
  });
  const events: MessageInitShape<typeof WatchResponseSchema>["event"][] = [
    { case: "snapshot", value: { sandboxId: theirs, bootId, containers: [] } },
    { case: "snapshot", value: { sandboxId: mine, bootId, containers: [foreign] } },
    { case: "changed", value: foreign },
    { case: "removed", value: container },
  ];
  for (const event of events) {
    const session = vm.agent.session!;
    vm.agent.inject([{
      incarnation: vm.agent.incarnation,
      sequence: vm.agent.nextSequence(),
      event: event!,
    }]);
    await idle();
    assert.match((await harness.run(session.closed)).reason, /tells of/, String(event?.case));
    await harness.clock.pass(2_000);
    assert.equal(harness.node.model.container(container)!.state.kind, "running", String(event?.case));
    assert.equal(harness.node.model.sandbox(mine)!.state.kind, "ready");
  }
});

Deno.test("a heartbeat brings the usage of its own containers and of no others", async () => {
  await using harness = await NodeHarness.open();
  const mine = await harness.startNow(podRequest("mine"));
  const theirs = await harness.startNow(podRequest("theirs"));
  const own = await harness.addContainer(mine, "main");
  const other = await harness.addContainer(theirs, "main");
  await harness.clock.pass(11_000);
  assert.ok(harness.node.model.container(own)!.usage!.memoryRssBytes > 0n);
  const { agent } = harness.vmOf(mine);
  const usage = [{ id: other, memoryRssBytes: 1n }, { id: "unknown", memoryRssBytes: 1n }];
  agent.inject([{ incarnation: agent.incarnation, event: { case: "heartbeat", value: { usage } } }]);
  await idle();
  assert.notEqual(harness.node.model.container(other)!.usage!.memoryRssBytes, 1n);
});

Deno.test("a million events of one agent delay that agent alone and take bounded memory", async () => {
  await using harness = await NodeHarness.open();
  const loud = await harness.startNow(podRequest("loud"));
  const quiet = await harness.startNow(podRequest("quiet"));
  const noisy = await harness.addContainer(loud, "main");
  const container = await harness.addContainer(quiet, "main");
  const rssBefore = Deno.memoryUsage().heapUsed;
  harness.vmOf(loud).flood(noisy, 1_000_000);
  await idle();
  harness.vmOf(quiet).exitContainer(container, 5);
  await idle();
  assert.equal(harness.node.model.container(container)!.agentState!.exitCode, 5);
  // Time stands still, so no more than a burst of it is taken, however long the agent pushes.
  const { agent } = harness.vmOf(loud);
  const entry = harness.node.model.container(noisy)!;
  for (let turns = 0; turns < 400; turns++) await idle();
  assert.ok(harness.node.folds.sequenceOf(entry, agent.incarnation) < 1_100n);
  await harness.clock.pass(60_000);
  const taken = harness.node.folds.sequenceOf(entry, agent.incarnation);
  assert.ok(taken > 1_100n && taken < 14_000n, `${taken} events`);
  const session = harness.node.agents.get(harness.node.model.sandbox(loud)!.facts.vmId)!.session;
  const { receivedBytes } = (session as unknown as { usage: { receivedBytes: number } }).usage;
  assert.ok(receivedBytes <= 1024 * 1024, `${receivedBytes} bytes wait`);
  assert.ok(Deno.memoryUsage().heapUsed - rssBefore < 64 * 1024 * 1024);
});

Deno.test("a state that cannot be recorded is not shown, and comes again with the next session", async () => {
  let full = false;
  await using harness = await NodeHarness.open({
    ontransaction: (fact) => {
      if (full && fact === "container exited") throw new UnavailableError("database or disk is full");
    },
  });
  const id = await harness.startNow();
  const container = await harness.addContainer(id, "main");
  full = true;
  harness.vmOf(id).exitContainer(container, 6);
  await harness.clock.pass(3_000);
  assert.equal(harness.node.model.container(container)!.state.kind, "running");
  full = false;
  await harness.clock.pass(10_000);
  assert.equal(harness.node.model.container(container)!.agentState!.exitCode, 6);
});

Deno.test("an agent without heartbeats is cut off, and its next session is taken", async () => {
  await using harness = await NodeHarness.open();
  const id = await harness.startNow();
  const vm = harness.vmOf(id);
  const { vmId } = harness.node.model.sandbox(id)!.facts;
  const first = harness.node.agents.get(vmId);
  vm.agent.heartbeatMs = 3_600_000; // From the next beat on.
  await harness.clock.pass(50_000);
  assert.notEqual(harness.node.agents.get(vmId), first);
  assert.equal(harness.node.model.sandbox(id)!.state.kind, "ready");
});
