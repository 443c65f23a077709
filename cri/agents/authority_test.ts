// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { FailedPreconditionError } from "../../lib/errors.ts";
import { systemClock } from "../../lib/clock.ts";
import { CertificateAuthority } from "./authority.ts";
import { generateKeyPair, PublicKey, X509Certificate } from "./x509.ts";

const VM = "0123456789abcdef0123456789abcdef";
const DAY = 24 * 3600 * 1000;

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function clockAt(time: { now: number }) {
  return { ...systemClock, now: () => time.now };
}

async function openssl(directory: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("openssl", { args, cwd: directory }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  return text;
}

async function publicKey(): Promise<PublicKey> {
  return await PublicKey.create((await generateKeyPair()).publicKey);
}

Deno.test("CertificateAuthority.open() makes an authority once, readable by its owner only", () =>
  inDirectory(async (directory) => {
    const first = await CertificateAuthority.open(directory, { clock: systemClock });
    const again = await CertificateAuthority.open(directory, { clock: systemClock });
    assert.equal(again.certificate, first.certificate);
    const file = await Deno.stat(join(directory, "authority.json"));
    assert.equal(file.mode! & 0o777, 0o600);
  }));

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

Deno.test("an agent's certificate lives three days and begins an hour ago", () =>
  inDirectory(async (directory) => {
    const time = { now: Date.parse("2026-11-21T12:00:00Z") };
    const authority = await CertificateAuthority.open(directory, { clock: clockAt(time) });
    const { notBefore, notAfter } = await authority.issueAgent(VM, await publicKey());
    assert.equal(notBefore.toISOString(), "2026-11-21T11:00:00.000Z");
    assert.equal(notAfter.toISOString(), "2026-11-24T12:00:00.000Z");
  }));

Deno.test("rotate() keeps the old authority trusted until its last certificate has ended", () =>
  inDirectory(async (directory) => {
    const time = { now: Date.now() };
    const authority = await CertificateAuthority.open(directory, { clock: clockAt(time) });
    const old = authority.certificate;
    await authority.rotate();
    assert.notEqual(authority.certificate, old);
    const trusted = (each: CertificateAuthority) =>
      each.trusted.map((certificate) => certificate.toString("pem"));
    assert.deepEqual(trusted(authority), [authority.certificate, new X509Certificate(old).toString("pem")]);
    const reopened = await CertificateAuthority.open(directory, { clock: clockAt(time) });
    assert.deepEqual(trusted(reopened), trusted(authority));
    time.now += 3 * DAY;
    assert.deepEqual(trusted(authority), [authority.certificate]);
    assert.deepEqual(authority.crossCertificates, []);
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

Deno.test("an authority near its end is rotated when it is opened", () =>
  inDirectory(async (directory) => {
    const time = { now: Date.now() };
    const first = await CertificateAuthority.open(directory, { clock: clockAt(time) });
    time.now += 3300 * DAY;
    const second = await CertificateAuthority.open(directory, { clock: clockAt(time) });
    assert.notEqual(second.certificate, first.certificate);
    assert.equal(second.trusted.length, 2);
  }));

Deno.test("CertificateAuthority.open() refuses a key that others may read, and a damaged file without quoting it", () =>
  inDirectory(async (directory) => {
    await CertificateAuthority.open(directory, { clock: systemClock });
    const path = join(directory, "authority.json");
    await Deno.chmod(path, 0o644);
    const open = () => CertificateAuthority.open(directory, { clock: systemClock });
    await assert.rejects(open(), /may be read by others: run chmod 600/);
    await Deno.chmod(path, 0o600);
    await Deno.writeTextFile(path, "secret-key-material {");
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof FailedPreconditionError);
      assert.match(error.message, /is damaged: restore it/);
      assert.doesNotMatch(Deno.inspect(error), /secret-key/);
      return true;
    });
  }));
