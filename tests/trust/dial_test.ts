// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../lib/clock.ts";
import { recordLogs } from "./record_logs.ts";
import type { RecordedLogs } from "./record_logs.ts";
import { TestAgent } from "./test_agent.ts";
import { TestNode } from "./test_node.ts";

const noSession = (text: string) => /No session with the node/.test(text);

/** An agent that was linked once, and is dialling now; what it logs first about why it gets no link. */
async function reasonAfter(change: (node: TestNode, vmId: string) => Promise<void> | void): Promise<string> {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  await using logs = await recordLogs();
  await change(node, userData.vmId);
  node.registry.get(userData.vmId)?.session.close("to dial again");
  return await logs.next(noSession);
}

Deno.test("an agent logs in the node's words why it gets no link", async () => {
  const deleted = await reasonAfter((node, vmId) =>
    void node.store.vms.update(vmId, { deletedAt: 1 }, "gone")
  );
  assert.match(deleted, /127\.0\.0\.1:\d+: VM \w+ is deleted or being deleted \(403\)/);
  const unknown = await reasonAfter((node, vmId) => void node.store.vms.delete(vmId, "gone"));
  assert.match(unknown, /VM \w+ is not known to this node \(403\)/);
  const otherKey = await reasonAfter((node, vmId) =>
    void node.store.vms.update(vmId, { boundKey: "0" }, "other key")
  );
  assert.match(otherKey, /has not the key that VM \w+ enrolled with \(403\)/);
  const epoch = await reasonAfter((node, vmId) => void node.store.vms.update(vmId, { epoch: 1000 }, "epoch"));
  assert.match(epoch, /Session epoch \d+ is not newer than 1000/);
});

Deno.test("an agent tells a node that is down from one that refuses it", async () => {
  const down = await reasonAfter((node) => node.listener.close());
  assert.match(down, /tcp connect error/);
});

Deno.test("an agent tells a server that is not its node from its node", async () => {
  await using other = await TestNode.start();
  const port = other.listener.port;
  const reason = await reasonAfter(async (node, vmId) => {
    // By another name: servers of one process resume each other's TLS sessions, and then no certificate is looked at.
    await node.registry.get(vmId)!.sandbox.setNodes({ nodes: [`localhost:${port}`] });
  });
  assert.match(
    reason,
    /Certificate 'infranetes node' is not that of this VM's node \(.*\): it is valid from/,
  );
});

Deno.test("the same reason is logged once, however often the agent dials", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData, { clock: hurried() });
  await agent.session();
  await using logs = await recordLogs();
  node.store.vms.update(userData.vmId, { deletedAt: 1 }, "gone");
  node.registry.get(userData.vmId)!.session.close("to dial again");
  await refusals(logs, 5);
  assert.equal(logs.texts.filter(noSession).length, 1);
});

/** Waits until the node has refused so many requests. */
async function refusals(logs: RecordedLogs, count: number): Promise<void> {
  while (logs.texts.filter((text) => /is refused with 403/.test(text)).length < count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A clock whose sleeps between dials are short. */
function hurried() {
  const sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 10_000) / 100, signal);
  return {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) =>
      ms < 5000 ? sleep(ms, signal) : systemClock.sleep(ms, signal),
  };
}
