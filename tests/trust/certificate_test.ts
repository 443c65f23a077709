// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { randomIds } from "../../lib/ids.ts";
import { encodePem } from "../../agent/link/pem.ts";
import { createNodeClient } from "../../agent/link/http_client.ts";
import { generateKey } from "../../agent/link/key.ts";
import { issueAgentCertificate, issueNodeCertificate } from "../../cri/agents/issue.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  generateKeyPair,
  P256,
  PemConverter,
  PublicKey,
  X509Certificate,
  X509CertificateGenerator,
} from "../../cri/agents/x509.ts";
import { skewedClock, TestNode } from "./test_node.ts";
import { recordLogs } from "./record_logs.ts";
import { TestAgent } from "./test_agent.ts";

const DAY = 24 * 3_600_000;

/** The node's authority as its thief has it: it can sign what the node never would. */
async function stolenIssuer(node: TestNode) {
  const { key, certificate } = JSON.parse(
    await Deno.readTextFile(`${node.stateDir}/authority/authority.json`),
  );
  const signingKey = await crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(key), P256, true, [
    "sign",
  ]);
  return { key: signingKey, certificate: new X509Certificate(certificate) };
}

async function privateKeyPem({ privateKey }: CryptoKeyPair): Promise<string> {
  return encodePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
}

interface Peer {
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
}

/** What the node answers to a peer with this certificate, `times` times over one client, so that it may resume. */
async function answersTo(node: TestNode, peer: Peer, times = 1): Promise<string[]> {
  const key = await privateKeyPem(peer.keys);
  const certificate = peer.certificate.toString("pem");
  using client = createNodeClient({ authorities: [node.authority.certificate], certificate, key });
  const answers: string[] = [];
  for (let count = 0; count < times; count++) {
    const response = await fetch(`https://${node.address}/v1/check`, { client });
    answers.push(`${response.status} ${(await response.text()).trim()}`);
  }
  return answers;
}

async function agentPeer(
  node: TestNode,
  vmId: string,
  times: { now?: number; lifeMs?: number } = {},
): Promise<Peer> {
  const keys = await generateKeyPair();
  const publicKey = await PublicKey.create(keys.publicKey);
  const request = { vmId, publicKey, now: Date.now(), lifeMs: DAY, ...times };
  return { keys, certificate: await issueAgentCertificate(await stolenIssuer(node), request) };
}

Deno.test("the link port knows an agent by its certificate alone", async () => {
  await using node = await TestNode.start();
  const { vmId } = node.addVm();
  assert.deepEqual(await answersTo(node, await agentPeer(node, vmId)), [`200 VM ${vmId} may have its link`]);
});

Deno.test("a certificate that no agent of this node may have is refused, also when the TLS session is resumed", async () => {
  await using node = await TestNode.start();
  await using other = await TestNode.start();
  const { vmId } = node.addVm();
  const [bound, gone, going] = [
    node.addVm({ boundKey: "0".repeat(64) }),
    node.addVm({ deletedAt: 1 }),
    node.addVm({ deleteIntentAt: 1 }),
  ];
  const unknown = randomIds.vmId();
  const nodeKeys = await generateKeyPair();
  const nodeRequest = { hosts: ["127.0.0.1"], publicKey: nodeKeys.publicKey, now: Date.now(), lifeMs: DAY };
  const nodeRole = {
    keys: nodeKeys,
    certificate: await issueNodeCertificate(await stolenIssuer(node), nodeRequest),
  };
  const past = { now: Date.now() - 2 * DAY };
  const future = { now: Date.now() + 2 * DAY };
  const cases: [string, Peer, RegExp][] = [
    ["another node's", await agentPeer(other, vmId), /^401 Client certificate was not issued by this node$/],
    [
      "self-signed",
      await selfSigned(vmId, node.authority.trusted[0]!.subject),
      /^401 .*not issued by this node$/,
    ],
    ["the node's own role", nodeRole, /^403 Certificate is not that of a VM: its only extended key usage/],
    ["both roles", await bothRoles(node, vmId), /^403 .*only extended key usage must be clientAuth/],
    ["an authority's", await authorityRole(node, vmId), /^403 Certificate is not that of a VM/],
    ["no VM id", await agentPeer(node, "admin"), /^403 .*its common name is no VM id$/],
    [
      "expired",
      await agentPeer(node, vmId, past),
      /^403 Certificate of VM \w+ ended at \d{4}-.*Z, the node's clock says \d{4}-/,
    ],
    [
      "not yet valid",
      await agentPeer(node, vmId, future),
      /^403 Certificate of VM \w+ is valid from \d{4}-.*Z on, the node's/,
    ],
    ["unknown VM", await agentPeer(node, unknown), /^403 VM \w+ is not known to this node$/],
    [
      "other key",
      await agentPeer(node, bound.vmId),
      /^403 Certificate has not the key that VM \w+ enrolled with$/,
    ],
    ["deleted", await agentPeer(node, gone.vmId), /^403 VM \w+ is deleted or being deleted$/],
    ["being deleted", await agentPeer(node, going.vmId), /^403 VM \w+ is deleted or being deleted$/],
  ];
  for (const [name, peer, expected] of cases) {
    for (const answer of await answersTo(node, peer, 3)) assert.match(answer, expected, name);
  }
});

Deno.test("Deno takes any certificate for authorised once the session is resumed: why the node looks itself", async () => {
  // If this fails, Deno has mended it; nothing of ours relies on either.
  await using node = await TestNode.start();
  const { key, certificate } = node.certificate.identity;
  const seen: boolean[] = [];
  const options = { key, cert: certificate, ca: [node.authority.certificate], requestCert: true };
  const server = createServer({ ...options, rejectUnauthorized: false }, (request, response) => {
    seen.push((request.socket as unknown as { authorized: boolean }).authorized);
    response.writeHead(200, { connection: "close" });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const peer = await selfSigned(randomIds.vmId(), "CN=nobody");
  const pem = await privateKeyPem(peer.keys);
  const authorities = [node.authority.certificate];
  {
    using client = createNodeClient({ authorities, certificate: peer.certificate.toString("pem"), key: pem });
    for (let count = 0; count < 2; count++) {
      const { port } = server.address() as AddressInfo;
      await (await fetch(`https://127.0.0.1:${port}/`, { client })).body?.cancel();
    }
  }
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(seen, [false, true]);
});

Deno.test("a peer without a certificate is told so", async () => {
  await using node = await TestNode.start();
  using client = Deno.createHttpClient({ caCerts: [node.authority.certificate] });
  const response = await fetch(`https://${node.address}/v1/check`, { client });
  assert.equal(response.status, 401);
  assert.equal(await response.text(), "Client certificate is missing\n");
});

Deno.test("an agent refuses a server that shows an agent's certificate, and says why in its log", async () => {
  await using node = await TestNode.start();
  const userData = node.addVm();
  await using enrolled = await TestAgent.start(userData);
  await enrolled.session();
  await enrolled.stop();
  await using logs = await recordLogs();
  const thief = node.addVm();
  const { certificate, keys } = await agentPeer(node, thief.vmId);
  const key = await privateKeyPem(keys);
  const server = createServer({ key, cert: certificate.toString("pem") }, (_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await Deno.writeTextFile(
    `${enrolled.directory}/link.json`,
    JSON.stringify({
      version: 1,
      vmId: userData.vmId,
      epoch: 5,
      nodes: [`127.0.0.1:${port}`],
      orphanTimeoutMs: 0,
    }),
  );
  await using agent = await TestAgent.start(userData, { directory: enrolled.directory });
  const record = await logs.next((text) => /No session with the node/.test(text));
  assert.match(record, new RegExp(`Certificate '${thief.vmId}' is not that of this VM's node`));
  await agent.stop();
  // And it does not give such a server a certificate request either.
  await using young = await TestAgent.start({ ...node.addVm(), nodes: [`127.0.0.1:${port}`] }, {
    enrolTimeoutMs: 200,
  });
  await assert.rejects(young.ended, /is not that of this VM's node/);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("an agent with an expired certificate says when it ended, on both sides", async () => {
  await using node = await TestNode.start({ agentLifeMs: 1 });
  const userData = node.addVm();
  await using logs = await recordLogs();
  await using _agent = await TestAgent.start(userData);
  const record = await logs.next((text) => /No session with the node/.test(text));
  assert.match(
    record,
    /Certificate of VM \w+ ended at \d{4}-[^ ]+Z, the node's clock says \d{4}-[^ ]+Z \(403\)/,
  );
  const atNode = await logs.next((text) => /is refused with 403/.test(text));
  assert.match(atNode, /ended at/);
});

Deno.test("an agent whose clock is wrong says what the node's certificate and its clock say", async () => {
  // The node lives in the past: to the agent its certificate has ended.
  await using node = await TestNode.start({ clock: skewedClock(-60 * DAY) });
  await using agent = await TestAgent.start(node.addVm(), { enrolTimeoutMs: 300 });
  await assert.rejects(
    agent.ended,
    /Certificate 'infranetes node' has ended: it is valid from .*Z to .*Z, this VM's clock says/,
  );
  await using future = await TestNode.start({ clock: skewedClock(60 * DAY) });
  await using early = await TestAgent.start(future.addVm(), { enrolTimeoutMs: 300 });
  await assert.rejects(early.ended, /Certificate 'infranetes node' is not valid yet: it is valid from/);
});

Deno.test("an agent does not take a certificate for another VM or another key from its disk", async () => {
  await using node = await TestNode.start();
  const [mine, theirs] = [node.addVm(), node.addVm()];
  await using agent = await TestAgent.start(mine);
  await agent.session();
  await agent.stop();
  const path = `${agent.directory}/identity.json`;
  const identity = JSON.parse(await Deno.readTextFile(path));
  const cases: [object, RegExp][] = [
    [
      { certificate: (await agentPeer(node, theirs.vmId)).certificate.toString("pem") },
      /is for VM \w+, this is VM/,
    ],
    [{ key: await generateKey() }, /is for another key than this VM's/],
    [{ key: "-----BEGIN nonsense" }, /is damaged/],
  ];
  for (const [change, message] of cases) {
    await Deno.mkdir(agent.directory, { recursive: true });
    await Deno.writeTextFile(path, JSON.stringify({ ...identity, ...change }));
    await using again = await TestAgent.start(mine, { directory: agent.directory });
    await assert.rejects(again.ended, message);
  }
});

Deno.test("an agent trusts the node's authority only, whatever Deno is told to trust besides", async () => {
  await using node = await TestNode.start();
  await using rogue = await TestNode.start();
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/rogue.pem`, rogue.authority.certificate);
  const probe = new URL("./trust_probe.ts", import.meta.url).pathname;
  const { certificate, keys } = await agentPeer(node, node.addVm().vmId);
  const identity = { CERTIFICATE: certificate.toString("pem"), KEY: await privateKeyPem(keys) };
  const run = async (client: string, variable: Record<string, string>) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", probe, rogue.address, client],
      env: { AUTHORITY: node.authority.certificate, ...identity, ...variable },
    }).output();
    return new TextDecoder().decode(stdout);
  };
  const stores: Record<string, string>[] = [
    { DENO_CERT: `${directory}/rogue.pem` },
    { NODE_EXTRA_CA_CERTS: `${directory}/rogue.pem` },
    { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: `${directory}/rogue.pem` },
  ];
  for (const store of stores) {
    assert.equal(await run("plain", store), "trusted");
    assert.match(await run("agent", store), /UnknownIssuer/);
  }
  await Deno.remove(directory, { recursive: true });
});

async function selfSigned(vmId: string, issuer: string): Promise<Peer> {
  const keys = await generateKeyPair();
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${vmId}`,
    issuer,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: P256,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])],
  });
  return { keys, certificate };
}

async function signedWith(
  node: TestNode,
  vmId: string,
  extensions: (BasicConstraintsExtension | ExtendedKeyUsageExtension)[],
): Promise<Peer> {
  const issuer = await stolenIssuer(node);
  const keys = await generateKeyPair();
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${vmId}`,
    issuer: issuer.certificate.subject,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: P256,
    extensions,
  });
  return { keys, certificate };
}

function bothRoles(node: TestNode, vmId: string): Promise<Peer> {
  const usages = [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth];
  return signedWith(node, vmId, [new ExtendedKeyUsageExtension(usages)]);
}

function authorityRole(node: TestNode, vmId: string): Promise<Peer> {
  const usage = new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]);
  return signedWith(node, vmId, [new BasicConstraintsExtension(true), usage]);
}
