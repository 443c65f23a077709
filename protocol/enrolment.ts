// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What both ends of the enrolment must compute alike.
 * @module
 */

/** Of a VM: 32 lower-case hex digits. The length is fixed, so that what follows it in a proof cannot be shifted. */
export const VM_ID_REGEXP = /^[0-9a-f]{32}$/;

/** Largest body of POST /v1/enroll in bytes, either way. A request with a P-256 key takes about 400. */
export const MAX_ENROLL_BODY = 8 * 1024;

export const ENROLL_PATH = "/v1/enroll";
export const LINK_PATH = "/v1/link";
/** Answers the holder of a certificate whether its link would be served, and if not, why. */
export const CHECK_PATH = "/v1/check";

export interface JoinClaim {
  readonly csr: Uint8Array;
  readonly vmId: string;
  /** SHA-256 of the node's certificate in DER as the agent saw it. */
  readonly fingerprint: Uint8Array;
}

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

/**
 * Proves knowledge of the join token without sending it: HMAC-SHA256(token, CSR ‖ vm id ‖ fingerprint). Because of the
 * fingerprint a proof is worth nothing to a third party that would relay it to the node.
 */
export async function joinProof(token: string, claim: JoinClaim): Promise<Uint8Array<ArrayBuffer>> {
  const key = await hmacKey(token, "sign");
  return new Uint8Array(await crypto.subtle.sign(HMAC, key, claimBytes(claim)));
}

/** Whether `proof` is the proof of this claim. Takes the same time wherever the two differ (WebCrypto's verify). */
export async function verifyJoinProof(token: string, claim: JoinClaim, proof: Uint8Array): Promise<boolean> {
  const key = await hmacKey(token, "verify");
  return await crypto.subtle.verify(HMAC, key, new Uint8Array(proof), claimBytes(claim));
}

function hmacKey(token: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", new TextEncoder().encode(token), HMAC, false, [usage]);
}

function claimBytes({ csr, vmId, fingerprint }: JoinClaim): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(vmId);
  const bytes = new Uint8Array(csr.length + name.length + fingerprint.length);
  bytes.set(csr);
  bytes.set(name, csr.length);
  bytes.set(fingerprint, csr.length + name.length);
  return bytes;
}
