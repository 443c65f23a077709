// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { UnavailableError } from "../../lib/errors.ts";
import { randomIds } from "../../lib/ids.ts";
import { joinProof } from "../../protocol/enrolment.ts";
import { EnrollRequestSchema } from "../../protocol/gen/agent_pb.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { createCsr } from "../../agent/link/csr.ts";
import { EnrolmentRejectedError, requestEnrolment } from "../../agent/link/enrol_request.ts";
import { IdentityFile } from "../../agent/link/identity.ts";
import { generateKey, importKeyPair } from "../../agent/link/key.ts";
import { Pkcs10CertificateRequestGenerator } from "../../cri/agents/x509.ts";
import { TestAgent } from "./test_agent.ts";
import { TestNode } from "./test_node.ts";

/** Asks once, with a key of its own unless one is given. */
async function ask(node: TestNode, userData: UserData, key?: string) {
  const { vmId, joinToken = "", caCertificate } = userData;
  const csr = await createCsr(await importKeyPair(key ?? await generateKey()), vmId);
  const request = { node: node.address, vmId, joinToken, csr, authorities: [caCertificate], now: Date.now() };
  return await requestEnrolment(request, AbortSignal.timeout(10_000));
}

function rejected(status: number, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof EnrolmentRejectedError, String(error));
    assert.match(error.message, new RegExp(`\\(${status}\\)$`));
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("a wrong token, a dead token, a deleted VM and no such VM get the same answer", async () => {
  await using node = await TestNode.start();
  const real = node.addVm();
  const cases: UserData[] = [
    { ...real, joinToken: randomIds.secret() },
    { ...real, vmId: randomIds.vmId() },
    { ...real, vmId: "../../etc/passwd" },
    node.addVm({ firstSessionAt: 1, boundKey: "0".repeat(64) }),
    { ...node.addVm({ joinToken: null }), joinToken: randomIds.secret() },
    { ...node.addVm({ joinToken: null }), joinToken: "none" },
    node.addVm({ deleteIntentAt: 1 }),
    node.addVm({ deletedAt: 1 }),
  ];
  const answers = new Set<string>();
  for (const userData of cases) {
    await assert.rejects(ask(node, userData), (error: unknown) => {
      assert.ok(
        rejected(401, /Join token is wrong, was used already, or belongs to no VM of this node/)(error),
      );
      answers.add((error as Error).message.replace(userData.vmId, "…"));
      return true;
    });
  }
  assert.equal(answers.size, 1);
  assert.equal(node.store.vms.get(real.vmId)!.boundKey, null);
});

Deno.test("the first key that proves the token has it: the same key may ask again, another may not", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  const key = await generateKey();
  const first = await ask(node, userData, key);
  const second = await ask(node, userData, key);
  assert.notDeepEqual(second.certificate, first.certificate);
  await assert.rejects(ask(node, userData), rejected(403, /was used with another key before/));
  assert.match(node.store.vms.get(userData.vmId)!.boundKey!, /^[0-9a-f]{64}$/);
});

Deno.test("of two keys at the same time one gets a certificate", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  const results = await Promise.allSettled([ask(node, userData), ask(node, userData), ask(node, userData)]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected", "rejected"]);
});

Deno.test("after the first session the token is dead, also for the key that it was bound to", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  const { key } = JSON.parse(await Deno.readTextFile(`${agent.directory}/identity.json`));
  await assert.rejects(ask(node, userData, key), rejected(401, /was used already/));
  await assert.rejects(ask(node, userData), rejected(401, /was used already/));
});

Deno.test("a proof made for another certificate of the node, another key or another VM is no proof", async () => {
  await using node = await TestNode.start();
  await using other = await TestNode.start();
  const userData = node.addVm();
  const { vmId, joinToken } = userData;
  const sibling = node.addVm({ joinToken: joinToken! });
  const csr = await createCsr(await importKeyPair(await generateKey()), vmId);
  const seen = Uint8Array.fromHex(node.certificate.identity.fingerprint);
  const elsewhere = Uint8Array.fromHex(other.certificate.identity.fingerprint);
  const proof = (claim: { csr?: Uint8Array; vmId?: string; fingerprint?: Uint8Array }) =>
    joinProof(joinToken!, { csr, vmId, fingerprint: seen, ...claim });
  const wrong = [
    await proof({ fingerprint: elsewhere }),
    await proof({ vmId: sibling.vmId }),
    await proof({ csr: csr.slice(1) }),
    new Uint8Array(),
    new Uint8Array(32),
  ];
  for (const each of wrong) assert.equal((await post(node, { vmId, csr, proof: each })).status, 401);
  assert.equal((await post(node, { vmId, csr, proof: await proof({}) })).status, 200);
});

Deno.test("a certificate request that is damaged, signed by another key or on another curve is refused", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  const good = await createCsr(await importKeyPair(await generateKey()), userData.vmId);
  const forged = good.slice();
  // A byte of the public key: the signature is not by that key then.
  forged[forged.length - 100]! ^= 1;
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array([1, 2, 3]), /no PKCS#10/],
    [new Uint8Array(), /no PKCS#10/],
    [forged, /not signed by its own key|no PKCS#10|not ECDSA/],
    [await csrOnCurve("P-384"), /not ECDSA on P-256/],
  ];
  for (const [csr, message] of cases) {
    const answer = await prove(node, userData, csr);
    assert.equal(answer.status, 400);
    assert.match(await answer.text, message);
  }
  assert.equal(node.store.vms.get(userData.vmId)!.boundKey, null);
});

Deno.test("when the fact cannot be written nothing is signed, and the agent goes on trying", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  const update = node.store.vms.update.bind(node.store.vms);
  let failures = 0;
  node.store.vms.update = (...change) => {
    if (failures++ === 0) throw new UnavailableError("disk full");
    return update(...change);
  };
  await using agent = await TestAgent.start(userData);
  await agent.session();
  assert.ok(failures > 1);
});

Deno.test("an agent that is rejected stops with an exit code, one that reaches nobody says so in time", async () => {
  await using node = await TestNode.start();
  const userData = { ...node.addVm(), joinToken: randomIds.secret() };
  await using agent = await TestAgent.start(userData);
  await assert.rejects(agent.ended, (error: unknown) => {
    assert.ok(rejected(401, /does not enrol VM/)(error));
    assert.equal((error as EnrolmentRejectedError).exitCode, 77);
    return true;
  });
  const nowhere = { ...userData, nodes: ["127.0.0.1:1", "127.0.0.1:2"] };
  await using lost = await TestAgent.start(nowhere, { enrolTimeoutMs: 300 });
  await assert.rejects(lost.ended, (error: unknown) => {
    assert.ok(error instanceof UnavailableError);
    assert.match(
      error.message,
      /could not enrol within 0.3 s \(127.0.0.1:1: .*refused.*; 127.0.0.1:2: .*refused/i,
    );
    return true;
  });
});

Deno.test("the second address is tried when the first is dead", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using agent = await TestAgent.start({ ...userData, nodes: ["127.0.0.1:1", node.address] });
  await agent.session();
});

Deno.test("the node's death after the key was bound, before the answer, bricks nothing", async () => {
  // What a process leaves that dies right after this fact.
  const dead = await TestNode.start({
    afterFact: (fact) => {
      if (fact === "vm key bound") throw new Error("killed");
    },
  });
  const userData = dead.addVm();
  const key = await generateKey();
  await assert.rejects(ask(dead, userData, key), /500/);
  const bound = dead.store.vms.get(userData.vmId)!.boundKey;
  assert.match(bound!, /^[0-9a-f]{64}$/);
  const port = dead.listener.port;
  await dead.stop();
  await using node = await TestNode.start({ stateDir: dead.stateDir, port });
  await ask(node, userData, key);
  assert.equal(node.store.vms.get(userData.vmId)!.boundKey, bound);
});

Deno.test("an agent that dies at any step of its enrolment ends enrolled when it is started again", async () => {
  await using node = await TestNode.start();
  for (const step of ["before the key", "key written", "signed, not stored", "stored, not linked"]) {
    const userData = node.addVm();
    const directory = await Deno.makeTempDir();
    const file = new IdentityFile(`${directory}/identity.json`, userData.vmId);
    if (step !== "before the key") {
      const identity = await file.open(userData.caCertificate);
      if (step !== "key written") {
        const issued = await ask(node, userData, identity.key);
        if (step === "stored, not linked") await file.store(identity, issued);
      }
    }
    // Half of a file that was being written.
    await Deno.writeTextFile(`${directory}/identity.json.new`, '{"version":1,"vmId"');
    await using agent = await TestAgent.start(userData, { directory });
    await agent.session();
    assert.ok(node.store.vms.get(userData.vmId)!.firstSessionAt! > 0, step);
  }
});

Deno.test("a VM on a copy of another VM's disk gets an identity of its own", async () => {
  await using node = await TestNode.start();
  const original = node.addVm();
  await using first = await TestAgent.start(original);
  await first.session();
  await first.stop();
  const copy = node.addVm();
  await using second = await TestAgent.start(copy, { directory: first.directory });
  await second.session();
  const link = node.registry.get(copy.vmId)!;
  assert.equal(link.hello.epoch, 1n);
  assert.notEqual(node.store.vms.get(copy.vmId)!.boundKey, node.store.vms.get(original.vmId)!.boundKey);
});

async function csrOnCurve(namedCurve: string): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", namedCurve, hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    name: "CN=x",
    signingAlgorithm: algorithm,
  });
  return new Uint8Array(request.rawData);
}

async function prove(node: TestNode, { vmId, joinToken }: UserData, csr: Uint8Array) {
  const fingerprint = Uint8Array.fromHex(node.certificate.identity.fingerprint);
  return await post(node, { vmId, csr, proof: await joinProof(joinToken!, { csr, vmId, fingerprint }) });
}

async function post(node: TestNode, message: { vmId: string; csr: Uint8Array; proof: Uint8Array }) {
  using client = Deno.createHttpClient({ caCerts: [node.authority.certificate] });
  const body = toBinary(EnrollRequestSchema, create(EnrollRequestSchema, message)) as Uint8Array<ArrayBuffer>;
  const response = await fetch(`https://${node.address}/v1/enroll`, { method: "POST", body, client });
  const text = await response.text();
  return { status: response.status, text };
}
