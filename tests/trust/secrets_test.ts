// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { randomIds } from "../../lib/ids.ts";
import { recordLogs } from "./record_logs.ts";
import { TestAgent } from "./test_agent.ts";
import { TestNode } from "./test_node.ts";

/** What must not be found anywhere: the text itself, and what an inspector would make of its bytes. */
function keyMaterial(pem: string): string[] {
  const body = pem.replace(/-----[^-]+-----/g, "").replaceAll("\n", "");
  return [body.slice(40, 80), body.slice(80, 120), Uint8Array.fromBase64(body).toHex().slice(60, 100)];
}

Deno.test("no join token and no key reaches a log, whatever goes right or wrong", async () => {
  await using logs = await recordLogs();
  const secrets: string[] = [];
  const node = await TestNode.start({ agentLifeMs: 1000 });
  const { key } = JSON.parse(await Deno.readTextFile(`${node.stateDir}/authority/authority.json`));
  secrets.push(...keyMaterial(key), ...keyMaterial(node.certificate.identity.key));
  // Right, but with a certificate that ends soon: enrolled, linked, refused, renewed.
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  secrets.push(
    userData.joinToken!,
    ...keyMaterial(JSON.parse(await Deno.readTextFile(`${agent.directory}/identity.json`)).key),
  );
  await agent.stop();
  // Wrong: a token that is not known, a token that is known to another key, a disk that is damaged, a node that fails.
  const wrong = randomIds.secret();
  secrets.push(wrong);
  await using rejected = await TestAgent.start({ ...node.addVm(), joinToken: wrong });
  await assert.rejects(rejected.ended);
  const late = node.addVm({ boundKey: "0".repeat(64) });
  secrets.push(late.joinToken!);
  await using second = await TestAgent.start(late);
  await assert.rejects(second.ended);
  const failing = node.addVm();
  secrets.push(failing.joinToken!);
  node.store.vms.update = () => {
    throw new Error("disk");
  };
  await using unlucky = await TestAgent.start(failing, { enrolTimeoutMs: 200 });
  await assert.rejects(unlucky.ended);
  await Deno.mkdir(agent.directory, { recursive: true });
  await Deno.writeTextFile(`${agent.directory}/identity.json`, `{"key":"${key.replaceAll("\n", "\\n")}`);
  await using damaged = await TestAgent.start(userData, { directory: agent.directory });
  await assert.rejects(damaged.ended, (error) => {
    for (const secret of secrets) assert.ok(!Deno.inspect(error).includes(secret));
    return true;
  });
  await node.certificate.reissue();
  await node.authority.rotate();
  await node[Symbol.asyncDispose]();
  const all = logs.texts.join("\n");
  assert.match(all, /is linked/);
  assert.match(all, /refused with 401/);
  assert.match(all, /refused with 403/);
  assert.match(all, /failed/);
  for (const secret of secrets) assert.ok(!all.includes(secret), `${secret} is in the log`);
  assert.doesNotMatch(all, /PRIVATE KEY/);
});
