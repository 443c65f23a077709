// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { CertificateAuthority } from "../../cri/agents/authority.ts";
import { currentAuthority, readCsr } from "../../cri/agents/enrolment.ts";
import { createCsr } from "./csr.ts";
import { IdentityFile } from "./identity.ts";
import { generateKey, importKeyPair } from "./key.ts";

const VM = "0123456789abcdef0123456789abcdef";
const OTHER = "f".repeat(32);

interface Parts {
  readonly path: string;
  readonly file: IdentityFile;
  readonly authority: CertificateAuthority;
  readonly issue: (vmId: string, key: string) => Promise<Uint8Array>;
}

async function withFile(test: (parts: Parts) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "identity.json");
    const authority = await CertificateAuthority.open(directory, { clock: systemClock });
    const issue = async (vmId: string, key: string) => {
      const csr = await createCsr(await importKeyPair(key), vmId);
      return new Uint8Array((await authority.issueAgent(vmId, await readCsr(csr, vmId))).rawData);
    };
    await test({ path, file: new IdentityFile(path, VM), authority, issue });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("IdentityFile keeps one key from its first open() on, readable by its owner only", () =>
  withFile(async ({ path, file, authority, issue }) => {
    const first = await file.open(authority.certificate);
    assert.deepEqual([first.certificate, first.authorities], [null, [authority.certificate]]);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.deepEqual(await file.open("other"), first);
    const certificate = await issue(VM, first.key);
    const signed = await file.store(first, { certificate, authorities: currentAuthority(authority) });
    assert.equal(signed.key, first.key);
    assert.equal((await file.open("other")).certificate, signed.certificate);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("store() refuses a certificate for another VM or another key and keeps what it had", () =>
  withFile(async ({ path, file, authority, issue }) => {
    const identity = await file.open(authority.certificate);
    const before = await Deno.readTextFile(path);
    const store = (certificate: Uint8Array) => file.store(identity, { certificate, authorities: [] });
    await assert.rejects(store(await issue(OTHER, identity.key)), /is for VM f+, this is VM 0123/);
    await assert.rejects(store(await issue(VM, await generateKey())), /is for another key than this VM's/);
    await assert.rejects(store(new Uint8Array(3)), RangeError);
    assert.equal(await Deno.readTextFile(path), before);
  }));

Deno.test("open() drops the identity of another VM whole", () =>
  withFile(async ({ path, file, authority }) => {
    const mine = await file.open(authority.certificate);
    const copy = await new IdentityFile(path, OTHER).open(authority.certificate);
    assert.equal(copy.vmId, OTHER);
    assert.notEqual(copy.key, mine.key);
  }));
