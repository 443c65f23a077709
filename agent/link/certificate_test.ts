// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { generateKeyPair, P256, X509CertificateGenerator } from "../../cri/agents/x509.ts";
import { readCertificate } from "./certificate.ts";

async function issue(notBefore: string, notAfter: string, subject = "O=other, CN=some vm") {
  const keys = await generateKeyPair();
  return await X509CertificateGenerator.createSelfSigned({
    name: subject,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    keys,
    signingAlgorithm: P256,
  });
}

Deno.test("readCertificate() agrees with an x509 library, also on times after 2049", async () => {
  for (
    const notAfter of [
      "2026-11-24T07:00:01Z",
      "2049-12-31T23:59:59Z",
      "2050-01-01T00:00:00Z",
      "2126-01-01T00:00:00Z",
    ]
  ) {
    const certificate = await issue("2026-11-21T06:00:00Z", notAfter);
    const facts = readCertificate(new Uint8Array(certificate.rawData));
    assert.equal(facts.commonName, "some vm");
    assert.equal(facts.notBefore, certificate.notBefore.getTime());
    assert.equal(facts.notAfter, Date.parse(notAfter));
    assert.equal(facts.publicKey.toHex(), new Uint8Array(certificate.publicKey.rawData).toHex());
  }
});

Deno.test("readCertificate() of a certificate without a common name has none", async () => {
  const certificate = await issue("2026-11-21T06:00:00Z", "2026-11-22T06:00:00Z", "O=other");
  assert.equal(readCertificate(new Uint8Array(certificate.rawData)).commonName, "");
});

Deno.test("readCertificate() of damaged bytes throws RangeError or reads something, and never hangs", async () => {
  const whole = new Uint8Array((await issue("2026-11-21T06:00:00Z", "2026-11-22T06:00:00Z")).rawData);
  const damage = fc.record({
    at: fc.nat(whole.length - 1),
    byte: fc.integer({ min: 0, max: 255 }),
    length: fc.nat(whole.length),
  });
  fc.assert(fc.property(damage, ({ at, byte, length }) => {
    const bytes = whole.slice(0, length);
    if (at < length) bytes[at] = byte;
    try {
      readCertificate(bytes);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
  }));
});
