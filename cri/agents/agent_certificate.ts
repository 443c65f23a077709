// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { VM_ID_REGEXP } from "../../protocol/enrolment.ts";
import { PeerRefusal } from "./peer_refusal.ts";
import {
  BasicConstraintsExtension,
  digestHex,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  X509Certificate,
} from "./x509.ts";

/** A VM as its certificate names it. */
export interface AgentIdentity {
  readonly vmId: string;
  /** SHA-256 of the public key in hex, as `VmFacts.boundKey`. */
  readonly keyDigest: string;
}

/**
 * Decides whether a certificate makes its holder the agent of a VM. The TLS layer has checked that the peer holds the
 * key, and nothing else may be left to it: with Deno 2.9.2 `TLSSocket.authorized` is true for any certificate at all,
 * self-signed or expired, as soon as the peer resumes its first session (checked 2026-11-21, tests/trust).
 *
 * @param der the peer's certificate
 * @param now in milliseconds since the Unix epoch
 * @throws {PeerRefusal} saying which rule is broken
 */
export async function identifyAgent(
  der: Uint8Array,
  trusted: readonly X509Certificate[],
  now: number,
): Promise<AgentIdentity> {
  const certificate = parse(der);
  await checkSigner(certificate, trusted);
  const vmId = checkRole(certificate);
  checkValidity(certificate, vmId, now);
  return { vmId, keyDigest: await digestHex(certificate.publicKey.rawData) };
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(new Uint8Array(der));
  } catch (cause) {
    throw new PeerRefusal(401, "Client certificate cannot be read", { cause });
  }
}

async function checkSigner(certificate: X509Certificate, trusted: readonly X509Certificate[]): Promise<void> {
  for (const { subject, publicKey } of trusted) {
    if (certificate.issuer !== subject) continue;
    // An algorithm that WebCrypto does not know makes verify throw: not signed by us then.
    if (await certificate.verify({ publicKey, signatureOnly: true }).catch(() => false)) return;
  }
  throw new PeerRefusal(401, "Client certificate was not issued by this node");
}

function checkRole(certificate: X509Certificate): string {
  const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  const isAuthority = certificate.getExtension(BasicConstraintsExtension)?.ca ?? false;
  const names = certificate.subjectName.getField("CN");
  const [vmId = ""] = names;
  if (isAuthority || usages.length !== 1 || usages[0] !== ExtendedKeyUsage.clientAuth) {
    throw new PeerRefusal(
      403,
      "Certificate is not that of a VM: its only extended key usage must be clientAuth",
    );
  }
  if (names.length !== 1 || !VM_ID_REGEXP.test(vmId)) {
    throw new PeerRefusal(403, "Certificate is not that of a VM: its common name is no VM id");
  }
  return vmId;
}

function checkValidity({ notBefore, notAfter }: X509Certificate, vmId: string, now: number): void {
  const clock = `the node's clock says ${new Date(now).toISOString()}`;
  if (now < notBefore.getTime()) {
    throw new PeerRefusal(
      403,
      `Certificate of VM ${vmId} is valid from ${notBefore.toISOString()} on, ${clock}: was the node's clock set back?`,
      { vmId },
    );
  }
  if (now >= notAfter.getTime()) {
    throw new PeerRefusal(403, `Certificate of VM ${vmId} ended at ${notAfter.toISOString()}, ${clock}`, {
      vmId,
    });
  }
}
