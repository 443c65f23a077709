// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { TestAgent } from "./test_agent.ts";
import { TestNode } from "./test_node.ts";

Deno.test("a VM enrols, is linked, and both sides call each other", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  const link = await node.registry.waitFor(userData.vmId, AbortSignal.timeout(10_000));
  assert.equal(link.hello.bootId, "boot");
  assert.equal((await link.sandbox.describe({})).sandboxId, "described");
  const { answer } = await agent.session();
  assert.equal(answer.protocol, 1);
  assert.deepEqual(answer.nodes, [node.address]);
  const row = node.store.vms.get(userData.vmId)!;
  assert.equal(row.joinToken, null);
  assert.match(row.boundKey!, /^[0-9a-f]{64}$/);
  assert.ok(row.firstSessionAt! > 0);
  assert.equal(row.epoch, 1);
  assert.equal(row.bootId, "boot");
});
