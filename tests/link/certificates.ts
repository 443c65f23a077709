// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** A node and a VM that trust the same CA. All in PEM, EC P-256, valid for an hour. */
export interface LinkCertificates {
  readonly ca: string;
  readonly node: KeyAndCertificate;
  readonly vm: KeyAndCertificate;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** Certificates for a link over loopback: the node is 127.0.0.1, the VM has `vmId` as its common name. */
export async function makeCertificates(vmId: string): Promise<LinkCertificates> {
  const caKeys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity("01"),
    name: "CN=link test CA",
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const addresses = new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]);
  const node = await issue(ca, caKeys.privateKey, "02", "CN=node", SERVER_AUTH, [addresses]);
  const vm = await issue(ca, caKeys.privateKey, "03", `CN=${vmId}`, CLIENT_AUTH, []);
  return { ca: ca.toString("pem"), node, vm };
}

async function issue(
  ca: x509.X509Certificate,
  signingKey: CryptoKey,
  serialNumber: string,
  subject: string,
  usage: string,
  extensions: x509.Extension[],
): Promise<KeyAndCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(serialNumber),
    subject,
    issuer: ca.subject,
    signingKey,
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.ExtendedKeyUsageExtension([usage]), ...extensions],
  });
  return { key: await pkcs8Pem(keys.privateKey), cert: certificate.toString("pem") };
}

function validity(serialNumber: string) {
  const now = Date.now();
  return { serialNumber, notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
}

async function pkcs8Pem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
