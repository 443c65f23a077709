// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What an agent that somebody has taken over can make the node keep, write down, log and do. */
import assert from "node:assert/strict";
import { configure, reset } from "@logtape/logtape";
import { idle } from "../testing/auto_clock.ts";
import { NodeHarness } from "../testing/node_harness.ts";

const LONG = "x".repeat(2 * 1024 * 1024);

/** A pod whose agent is at the test's command, and everything that the node logs meanwhile. */
async function attacked() {
  await using stack = new AsyncDisposableStack();
  const harness = stack.use(await NodeHarness.open());
  const sandbox = await harness.startNow();
  const container = await harness.addContainer(sandbox, "main");
  const log: string[] = [];
  const sinks = {
    memory: (record: object) =>
      void log.push(Deno.inspect(record, { strAbbreviateSize: Infinity, depth: 9 })),
  };
  await configure({ sinks, loggers: [{ category: "infranetes", sinks: ["memory"] }], reset: true });
  stack.defer(() => reset());
  const { vmId } = harness.node.model.sandbox(sandbox)!.facts;
  const { closed } = harness.node.agents.get(vmId)!;
  const owned = stack.move();
  return { harness, sandbox, container, log, closed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("an agent that tells its whole state again and again is cut off, and makes no work", async () => {
  await using attack = await attacked();
  const { harness, sandbox, closed } = attack;
  const { agent } = harness.vmOf(sandbox);
  const unknown = (round: number) =>
    Array.from({ length: 60 }, (_, i) => ({ id: `${round}-${i}`.padStart(64, "0") }));
  const tasksBefore = harness.node.tasks.size;
  agent.inject(
    Array.from({ length: 500 }, (_, round) => ({
      incarnation: agent.incarnation,
      sequence: agent.nextSequence(),
      event: {
        case: "snapshot" as const,
        value: { sandboxId: sandbox, bootId: agent.bootId, containers: unknown(round) },
      },
    })),
  );
  await idle();
  assert.ok(harness.node.tasks.size < tasksBefore + 10, `${harness.node.tasks.size} tasks`);
  assert.match((await harness.run(closed)).reason, /whole state/);
});

Deno.test("an agent that names containers and sandboxes by megabytes fills neither facts nor log", async () => {
  for (const forged of ["sandbox", "boot", "container"]) {
    await using attack = await attacked();
    const { harness, sandbox, closed } = attack;
    const vm = harness.vmOf(sandbox);
    if (forged === "sandbox") vm.sendSnapshot({ sandboxId: LONG, bootId: vm.agent.bootId });
    else if (forged === "boot") vm.sendSnapshot({ sandboxId: sandbox, bootId: LONG });
    else {
      // In the first snapshot of the next session.
      vm.unplug();
      vm.agent.addContainer(LONG, new Uint8Array());
      vm.plug();
    }
    await harness.run(closed);
    await harness.clock.pass(2_000);
    const row = harness.node.store.sandboxes.get(sandbox);
    assert.ok(JSON.stringify(row?.lostReason ?? "").length < 1_000, `${forged}: reason in the facts`);
    const logged = attack.log.reduce((sum, line) => sum + line.length, 0);
    assert.ok(logged > 0 && logged < 200_000, `${forged}: ${logged} characters logged`);
  }
});

Deno.test("an agent that removes a container again and again is told of once", async () => {
  await using attack = await attacked();
  const { harness, sandbox, container, log } = attack;
  const { agent } = harness.vmOf(sandbox);
  harness.node.exitHooks.add((_entry, _state, signal) => harness.clock.sleep(20_000, signal));
  const tasksBefore = harness.node.tasks.size;
  agent.inject(Array.from({ length: 300 }, () => ({
    incarnation: agent.incarnation,
    sequence: agent.nextSequence(),
    event: { case: "removed" as const, value: container },
  })));
  await idle();
  assert.ok(harness.node.tasks.size < tasksBefore + 10, `${harness.node.tasks.size} tasks`);
  assert.equal(log.filter((line) => line.includes("is lost")).length, 1);
});
