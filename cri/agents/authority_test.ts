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
