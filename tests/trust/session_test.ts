// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { CloseCode } from "../../protocol/link/session.ts";
import { TestNode } from "./test_node.ts";
import { TestAgent } from "./test_agent.ts";

const MINUTE = 60_000;
const soon = () => AbortSignal.timeout(10_000);

async function readIdentity(
  directory: string,
): Promise<{ key: string; certificate: string; authorities: string[] }> {
  return JSON.parse(await Deno.readTextFile(`${directory}/identity.json`));
}

/** Resolves when the file has been replaced. */
async function fileChanged(directory: string, name: string): Promise<void> {
  using watcher = Deno.watchFs(directory);
  for await (const { paths } of watcher) {
    if (paths.some((path) => path.endsWith(`/${name}`))) return;
  }
}

Deno.test("a VM enrols, is linked, and both sides call each other", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  const link = await node.registry.waitFor(userData.vmId, soon());
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

Deno.test("a VM enrols and is linked over IPv6, and by the node's name", async () => {
  await using node = await TestNode.start({ host: "::1" });
  assert.match(node.address, /^\[::1\]:/);
  await using agent = await TestAgent.start(node.addVm());
  await agent.session();
  await using ipv4 = await TestNode.start();
  const userData = { ...ipv4.addVm(), nodes: [`localhost:${ipv4.listener.port}`] };
  await using named = await TestAgent.start(userData);
  await named.session();
});

Deno.test("an agent that is started again needs no token and takes its old session's place", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using first = await TestAgent.start(userData);
  await first.session();
  await first.stop();
  await using second = await TestAgent.start({ ...userData, joinToken: "not-needed-any-more-really" }, {
    directory: first.directory,
  });
  await second.session();
  assert.equal(node.registry.get(userData.vmId)!.hello.epoch, 2n);
});

Deno.test("an agent redials when its session is lost, and when the node was started again", async () => {
  const node = await TestNode.start();
  const port = node.listener.port;
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  node.registry.get(userData.vmId)!.session.close("lost", CloseCode.LOST);
  await agent.session(1);
  await node.stop();
  await using again = await TestNode.start({ stateDir: node.stateDir, port });
  const link = await again.registry.waitFor(userData.vmId, soon());
  assert.ok(link.hello.epoch >= 3n);
});

Deno.test("of two agents with one identity the newer has the session and the older does not take it back at once", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  const copy = await Deno.makeTempDir();
  for (const file of ["identity.json", "link.json"]) {
    await Deno.copyFile(`${agent.directory}/${file}`, `${copy}/${file}`);
  }
  const { session } = await agent.session();
  await using other = await TestAgent.start(userData, { directory: copy });
  await other.session();
  assert.equal((await session.closed).code, CloseCode.SUPERSEDED);
});

Deno.test("the certificate is renewed over the link at two thirds of its life and used for the next dial", async () => {
  const ahead = { ms: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + ahead.ms };
  await using node = await TestNode.start({ clock, agentLifeMs: 60 * MINUTE });
  const userData = node.addVm();
  await using enrolled = await TestAgent.start(userData);
  await enrolled.session();
  await enrolled.stop();
  const { directory } = enrolled;
  const before = await readIdentity(directory);
  // Valid from an hour ago until in an hour: two thirds are over in 20 minutes.
  ahead.ms = 59 * MINUTE;
  const renewed = fileChanged(directory, "identity.json");
  await using agent = await TestAgent.start(userData, { directory, clock });
  const { session } = await agent.session();
  await renewed;
  const after = await readIdentity(directory);
  assert.notEqual(after.certificate, before.certificate);
  assert.equal(after.key, before.key);
  // The first certificate would be refused now.
  ahead.ms = 61 * MINUTE;
  session.close("to dial again");
  await agent.session(1);
});

Deno.test("agents follow a rotated authority: those that know only the old one, and those that renew", async () => {
  await using node = await TestNode.start();
  const [before, unborn] = [node.addVm(), node.addVm()];
  await using agent = await TestAgent.start(before);
  const { session } = await agent.session();
  await node.authority.rotate();
  await node.certificate.reissue();
  session.close("to dial again");
  await agent.session(1);
  // Its user data still names the old authority.
  await using late = await TestAgent.start(unborn);
  await late.session();
  const { authorities } = await readIdentity(late.directory);
  assert.deepEqual(authorities.map((pem) => pem.trim()), [node.authority.certificate.trim()]);
  // And one that was made after the rotation.
  await using young = await TestAgent.start(node.addVm());
  await young.session();
});

Deno.test("an agent whose node is silent for too long powers its VM off, also after a restart of the agent", async () => {
  await using node = await TestNode.start({ registry: { orphanTimeoutMs: 50 } });
  const userData = node.addVm();
  const orphaned = Promise.withResolvers<void>();
  await using agent = await TestAgent.start(userData, { onorphaned: orphaned.resolve });
  await agent.session();
  await node.listener.close();
  node.registry.close();
  await orphaned.promise;
  await agent.stop();
  const again = Promise.withResolvers<void>();
  await using second = await TestAgent.start(userData, {
    directory: agent.directory,
    onorphaned: again.resolve,
  });
  await again.promise;
  await second.stop();
});
