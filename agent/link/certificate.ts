// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Element } from "./der.ts";
import { readElements, Tag } from "./der.ts";

/** What the agent needs to know of a certificate. Nothing is verified: that is the TLS layer's and the node's business. */
export interface CertificateFacts {
  readonly commonName: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

/** OID 2.5.4.3 as it is written in DER. */
const COMMON_NAME = "550403";

/**
 * Reads an X.509 certificate (RFC 5280 §4.1).
 * @throws {RangeError} if the bytes are none
 */
export function readCertificate(der: Uint8Array): CertificateFacts {
  const [certificate] = readElements(der);
  const [info] = children(certificate);
  const fields = children(info);
  // The version is there in every version but the first.
  if (fields[0]?.tag === Tag.CONTEXT_0) fields.shift();
  const [_serial, _algorithm, _issuer, validity, subject, publicKey] = fields;
  const [notBefore, notAfter] = children(validity).map(readTime);
  if (notBefore === undefined || notAfter === undefined || !publicKey) {
    throw new RangeError("Certificate lacks a field");
  }
  return { commonName: commonName(subject), notBefore, notAfter, publicKey: publicKey.whole };
}

function children(parent: Element | undefined): Element[] {
  if (parent?.tag !== Tag.SEQUENCE && parent?.tag !== Tag.SET) {
    throw new RangeError("Bytes are no certificate");
  }
  return readElements(parent.content);
}

function commonName(subject: Element | undefined): string {
  for (const set of children(subject)) {
    for (const attribute of children(set)) {
      const [type, value] = children(attribute);
      if (type?.content.toHex() === COMMON_NAME && value) return new TextDecoder().decode(value.content);
    }
  }
  return "";
}

/** `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on (RFC 5280 §4.1.2.5). */
function readTime({ tag, content }: Element): number {
  let digits = new TextDecoder().decode(content);
  if (tag === Tag.UTC_TIME) digits = (digits < "50" ? "20" : "19") + digits;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (!match) throw new RangeError("Certificate has a time that cannot be read");
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}
