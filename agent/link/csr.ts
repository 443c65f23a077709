// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { bitString, element, integer, objectId, sequence, Tag, utf8String } from "./der.ts";
import { exportPublicKey, P256 } from "./key.ts";

const COMMON_NAME = "2.5.4.3";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";

/** A certificate request (PKCS#10, RFC 2986) in DER for this key and name, signed by the key. */
export async function createCsr(keys: CryptoKeyPair, commonName: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = sequence(element(Tag.SET, sequence(objectId(COMMON_NAME), utf8String(commonName))));
  const version = integer(Uint8Array.of(0));
  const noAttributes = element(Tag.CONTEXT_0);
  const info = sequence(version, name, await exportPublicKey(keys), noAttributes);
  const signature = new Uint8Array(await crypto.subtle.sign(P256, keys.privateKey, info));
  return sequence(info, sequence(objectId(ECDSA_WITH_SHA256)), bitString(ecdsaSignature(signature)));
}

/** WebCrypto gives r and s as two halves (IEEE P1363), PKCS wants a sequence of integers (RFC 3279 §2.2.3). */
function ecdsaSignature(halves: Uint8Array): Uint8Array {
  const middle = halves.length / 2;
  return sequence(integer(halves.subarray(0, middle)), integer(halves.subarray(middle)));
}
