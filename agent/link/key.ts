// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { decodePem, encodePem } from "./pem.ts";

/** Every key of the agent link: ECDSA on P-256 with SHA-256. */
export const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A private key, PKCS#8 in PEM. */
export async function generateKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  return encodePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
}

/** @throws if the text is no such key */
export async function importKeyPair(pem: string): Promise<CryptoKeyPair> {
  const privateKey = await crypto.subtle.importKey("pkcs8", decodePem(pem), P256, true, ["sign"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", privateKey) as Record<string, string>;
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y } as JsonWebKey, P256, true, [
    "verify",
  ]);
  return { privateKey, publicKey };
}

/** SubjectPublicKeyInfo in DER. */
export async function exportPublicKey({ publicKey }: CryptoKeyPair): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
}
