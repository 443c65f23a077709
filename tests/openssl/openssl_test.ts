// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What we write into certificates and requests, read by somebody else's program. Needs openssl. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createCsr } from "../../agent/link/csr.ts";
import { generateKey, importKeyPair } from "../../agent/link/key.ts";
import { encodePem } from "../../agent/link/pem.ts";
import { CertificateAuthority } from "../../cri/agents/authority.ts";
import { generateKeyPair, PublicKey } from "../../cri/agents/x509.ts";
import { systemClock } from "../../lib/clock.ts";

const VM = "0123456789abcdef0123456789abcdef";

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function publicKey(): Promise<PublicKey> {
  return await PublicKey.create((await generateKeyPair()).publicKey);
}

async function openssl(directory: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("openssl", { args, cwd: directory }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  return text;
}

Deno.test("issued certificates stand openssl's test for their own role and fail it for the other", () =>
  inDirectory(async (directory) => {
    const authority = await CertificateAuthority.open(directory, { clock: systemClock });
    const agent = await authority.issueAgent(VM, await publicKey());
    const node = await authority.issueNode(
      ["127.0.0.1", "::1", "node.example"],
      (await generateKeyPair()).publicKey,
    );
    await Deno.writeTextFile(join(directory, "ca.pem"), authority.certificate);
    await Deno.writeTextFile(join(directory, "agent.pem"), agent.toString("pem"));
    await Deno.writeTextFile(join(directory, "node.pem"), node.toString("pem"));
    const verify = ["verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose"];
    await openssl(directory, ...verify, "sslclient", "agent.pem");
    await openssl(directory, ...verify, "sslserver", "-verify_ip", "127.0.0.1", "node.pem");
    await openssl(directory, ...verify, "sslserver", "-verify_ip", "::1", "node.pem");
    await openssl(directory, ...verify, "sslserver", "-verify_hostname", "node.example", "node.pem");
    await assert.rejects(openssl(directory, ...verify, "sslserver", "agent.pem"));
    await assert.rejects(openssl(directory, ...verify, "sslclient", "node.pem"));
    assert.match(await openssl(directory, "x509", "-in", "agent.pem", "-noout", "-subject"), new RegExp(VM));
  }));

Deno.test("after two rotations a peer that knows only the first authority still accepts the node", () =>
  inDirectory(async (directory) => {
    const authority = await CertificateAuthority.open(directory, { clock: systemClock });
    await Deno.writeTextFile(join(directory, "first.pem"), authority.certificate);
    await authority.rotate();
    await authority.rotate();
    const node = await authority.issueNode(["127.0.0.1"], (await generateKeyPair()).publicKey);
    await Deno.writeTextFile(join(directory, "node.pem"), node.toString("pem"));
    await Deno.writeTextFile(join(directory, "cross.pem"), authority.crossCertificates.join("\n"));
    await openssl(
      directory,
      "verify",
      "-x509_strict",
      "-CAfile",
      "first.pem",
      "-untrusted",
      "cross.pem",
      "node.pem",
    );
    await assert.rejects(openssl(directory, "verify", "-CAfile", "first.pem", "node.pem"));
  }));

Deno.test("createCsr() makes a request that openssl verifies and reads back", () =>
  inDirectory(async (directory) => {
    const csr = await createCsr(await importKeyPair(await generateKey()), VM);
    await Deno.writeTextFile(join(directory, "request.pem"), encodePem("CERTIFICATE REQUEST", csr));
    const text = await openssl(directory, "req", "-verify", "-noout", "-text", "-in", "request.pem");
    assert.match(text, /verify OK/);
    assert.match(text, new RegExp(`Subject: CN = ${VM}`));
    assert.match(text, /prime256v1/);
    assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
  }));
