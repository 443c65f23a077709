// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * @peculiar/x509 with what it needs: its dependency injection fails at the first use unless reflect-metadata was
 * loaded before (seen with 2.2.0). To be imported instead of the package.
 * @module
 */
import "reflect-metadata";
export * from "@peculiar/x509";

/** Every key and signature of the agent link: ECDSA on P-256 with SHA-256. */
export const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export function generateKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
}

/** SHA-256 in hex. Of a subject public key info it names a key, of a certificate it is its fingerprint. */
export async function digestHex(der: BufferSource): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", der)).toHex();
}
