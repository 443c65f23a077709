// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  P256,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "./x509.ts";
import type { Extension, PublicKey, X509Certificate } from "./x509.ts";

/** A certificate authority that can sign. */
export interface Issuer {
  readonly key: CryptoKey;
  readonly certificate: X509Certificate;
}

interface Request {
  readonly publicKey: CryptoKey | PublicKey;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly lifeMs: number;
}

/** A certificate is valid from this long before it is made, because a VM's clock may be behind the node's. */
export const CLOCK_SKEW_MS = 60 * 60 * 1000;

/** Signed by itself if `issuer` has no certificate. `subject` is that of the certificate it stands in for. */
export async function issueAuthorityCertificate(
  issuer: Pick<Issuer, "key"> & Partial<Issuer>,
  request: Request & { readonly subject?: string },
): Promise<X509Certificate> {
  // A name of its own for each, so that a chain is never built through a wrong one of two.
  const subject = request.subject ?? `CN=infranetes node ${randomSerial().slice(0, 16)}`;
  return await sign(issuer, subject, request, [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ]);
}

/** For a VM: its id is the common name, and it can only be a client. */
export async function issueAgentCertificate(
  issuer: Issuer,
  request: Request & { readonly vmId: string },
): Promise<X509Certificate> {
  return await sign(issuer, `CN=${request.vmId}`, request, leaf(ExtendedKeyUsage.clientAuth));
}

/** For the node: it can only be a server. */
export async function issueNodeCertificate(
  issuer: Issuer,
  request: Request & { readonly hosts: readonly string[] },
): Promise<X509Certificate> {
  const names = request.hosts.map((host) => ({
    type: isIP(host) ? "ip" as const : "dns" as const,
    value: host,
  }));
  return await sign(issuer, "CN=infranetes node", request, [
    ...leaf(ExtendedKeyUsage.serverAuth),
    new SubjectAlternativeNameExtension(names),
  ]);
}

function leaf(usage: string): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
  ];
}

async function sign(
  issuer: Pick<Issuer, "key"> & Partial<Issuer>,
  subject: string,
  { publicKey, now, lifeMs }: Request,
  extensions: Extension[],
): Promise<X509Certificate> {
  const signer = issuer.certificate;
  return await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject,
    issuer: signer?.subject ?? subject,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter: new Date(now + lifeMs),
    publicKey,
    signingKey: issuer.key,
    signingAlgorithm: P256,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(signer?.publicKey ?? publicKey),
    ],
  });
}

/** 126 random bits in hex: positive whatever they are, as RFC 5280 §4.1.2.2 asks. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toHex();
}
