// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import type { AgentLink } from "./agent_link.ts";
import { createContainer } from "./container_create.ts";
import { containerRequest } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

/** Begins the watch at once and hands out nothing of it before `released`: its first message is long on its way. */
function holdWatch({ sandbox }: AgentLink, released: Promise<void>): void {
  const { watch } = sandbox;
  const held: typeof watch = async function* (...args) {
    const events = watch(...args)[Symbol.asyncIterator]();
    const first = events.next();
    await released;
    for (let next = await first; !next.done; next = await events.next()) yield next.value;
  };
  Object.defineProperty(sandbox, "watch", { value: held, configurable: true });
}

Deno.test("callAgent() waits for a new session's snapshot: what is made before it came would be lost by it", async () => {
  await using harness = await NodeHarness.open();
  const { node, agents } = harness;
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  vm.unplug();
  await harness.clock.pass(0);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  agents.onlink = (link) => {
    holdWatch(link, released);
    node.watches.onlink(link);
  };
  const creating = createContainer(node, containerRequest(sandbox, "app"), harness.context());
  vm.plug();
  await harness.clock.pass(2_000);
  release();
  const { containerId } = await harness.run(creating);
  await harness.clock.pass(2_000);
  assert.equal(node.model.container(containerId)!.state.kind, "created");
});

Deno.test("callAgent() calls in the next session if a session's watch goes wrong", async () => {
  await using harness = await NodeHarness.open({ timeouts: { heartbeat: 1_000 } });
  const { node, agents } = harness;
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  vm.unplug();
  await harness.clock.pass(0);
  agents.onlink = (link) => {
    agents.onlink = (next) => node.watches.onlink(next);
    // It never tells its state: cut off for missing heartbeats.
    holdWatch(link, new Promise(() => {}));
    node.watches.onlink(link);
  };
  const creating = createContainer(node, containerRequest(sandbox, "app"), harness.context());
  vm.plug();
  const { containerId } = await harness.run(creating);
  assert.equal(node.model.container(containerId)!.state.kind, "created");
});
