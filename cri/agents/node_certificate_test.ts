// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { AutoClock, idle } from "../testing/auto_clock.ts";
import { CertificateAuthority } from "./authority.ts";
import { NodeCertificate } from "./node_certificate.ts";
import type { ServerIdentity } from "./node_certificate.ts";
import { digestHex, SubjectAlternativeNameExtension, X509Certificate } from "./x509.ts";

const DAY = 24 * 3_600_000;

async function withCertificate(
  test: (
    parts: { clock: AutoClock; authority: CertificateAuthority; certificate: NodeCertificate },
  ) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const clock = new AutoClock();
    const authority = await CertificateAuthority.open(directory, { clock });
    await test({
      clock,
      authority,
      certificate: await NodeCertificate.create(authority, ["10.0.0.1"], clock),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function names({ certificate }: ServerIdentity): string[] {
  const extension = new X509Certificate(certificate).getExtension(SubjectAlternativeNameExtension)!;
  return extension.names.items.map(({ value }) => value);
}

Deno.test("the certificate is made again when the addresses change, and only then", () =>
  withCertificate(async ({ certificate }) => {
    const first = certificate.identity;
    await certificate.setHosts(["10.0.0.1"]);
    assert.equal(certificate.identity, first);
    const told: ServerIdentity[] = [];
    certificate.onchange = (identity) => told.push(identity);
    await certificate.setHosts(["10.0.0.1", "node.example"]);
    assert.deepEqual(names(certificate.identity), ["10.0.0.1", "node.example"]);
    assert.deepEqual(told, [certificate.identity]);
    const der = new X509Certificate(certificate.identity.certificate).rawData;
    assert.equal(certificate.identity.fingerprint, await digestHex(der));
  }));

Deno.test("a proof for the certificate before the last change still counts, one for an older does not", () =>
  withCertificate(async ({ certificate }) => {
    const seen = [certificate.identity.fingerprint];
    for (let count = 0; count < 2; count++) {
      await certificate.reissue();
      seen.push(certificate.identity.fingerprint);
    }
    assert.deepEqual(certificate.fingerprints, [seen[2], seen[1]]);
  }));

Deno.test("maintain() renews at two thirds of the life, tries again after a failure, and ends with its signal", () =>
  withCertificate(async ({ clock, authority, certificate }) => {
    const issueNode = authority.issueNode.bind(authority);
    const failed = Promise.withResolvers<void>();
    authority.issueNode = () => {
      authority.issueNode = issueNode;
      failed.resolve();
      return Promise.reject(new Error("no"));
    };
    const changed = Promise.withResolvers<void>();
    certificate.onchange = () => changed.resolve();
    const stop = new AbortController();
    const first = certificate.identity;
    const running = certificate.maintain(stop.signal);
    await clock.pass(20 * DAY - 1000);
    assert.equal(certificate.identity, first);
    await clock.pass(2000);
    await failed.promise;
    // From here to its next sleep it only takes turns.
    await idle();
    assert.equal(certificate.identity, first);
    await clock.pass(60_000);
    await changed.promise;
    assert.notEqual(certificate.identity, first);
    await idle();
    stop.abort();
    await running;
    assert.equal(clock.sleeping, 0);
  }));
