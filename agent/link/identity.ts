// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as v from "valibot";
import { getLogger } from "@logtape/logtape";
import { writeDurably } from "../../lib/durable_file.ts";
import { FailedPreconditionError } from "../../lib/errors.ts";
import type { CertificateFacts } from "./certificate.ts";
import { readCertificate } from "./certificate.ts";
import { exportPublicKey, generateKey, importKeyPair } from "./key.ts";
import { decodePem, encodePem } from "./pem.ts";

const logger = getLogger(["vmserver", "link"]);

const pem = v.pipe(v.string(), v.startsWith("-----BEGIN "));
const identityFile = v.strictObject({
  version: v.literal(1),
  vmId: v.string(),
  key: pem,
  certificate: v.nullable(pem),
  authorities: v.array(pem),
});

/** Who this VM is. All PEM. */
export interface Identity {
  readonly vmId: string;
  /** PKCS#8. Made in this VM; never leaves it. */
  readonly key: string;
  /** Null until the node has signed one. */
  readonly certificate: string | null;
  /** Whom the node's certificate may be from. */
  readonly authorities: readonly string[];
}

/** An identity that the node has signed. */
export interface SignedIdentity extends Identity {
  readonly certificate: string;
}

/** What the node answers to a certificate request, DER. */
export interface IssuedCertificate {
  readonly certificate: Uint8Array;
  readonly authorities: readonly Uint8Array[];
}

/**
 * The VM's identity on its disk, in one file that is replaced as a whole: first with the key alone, then, when the node
 * has signed, with the certificate. Whenever the agent dies in between it goes on with the same key.
 */
export class IdentityFile {
  readonly #path: string;
  readonly #vmId: string;

  constructor(path: string, vmId: string) {
    this.#path = path;
    this.#vmId = vmId;
  }

  /**
   * The identity of this VM, a fresh one with a new key if there is none. That of another VM is dropped: the disk was
   * copied from it.
   *
   * @param authority from user data, for a fresh one
   * @throws {FailedPreconditionError} if the file is damaged
   */
  async open(authority: string): Promise<Identity> {
    const found = await this.#read();
    if (found?.vmId === this.#vmId) return found;
    if (found) {
      logger.warn("Identity of VM {other} is dropped: this is VM {vmId}, on a copy of its disk", {
        other: found.vmId,
        vmId: this.#vmId,
      });
    }
    return await this.#write({
      vmId: this.#vmId,
      key: await generateKey(),
      certificate: null,
      authorities: [authority],
    });
  }

  /**
   * Keeps what the node has issued, if it is for this VM and its key.
   * @throws {FailedPreconditionError} if it is not
   */
  async store(identity: Identity, issued: IssuedCertificate): Promise<SignedIdentity> {
    await checkCertificate(identity, issued.certificate);
    const told = issued.authorities.map((der) => encodePem("CERTIFICATE", der));
    const authorities = told.length > 0 ? told : identity.authorities;
    const certificate = encodePem("CERTIFICATE", issued.certificate);
    return await this.#write({ ...identity, certificate, authorities });
  }

  async #read(): Promise<Identity | undefined> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      const { version: _, ...identity } = v.parse(identityFile, JSON.parse(text));
      if (identity.certificate !== null) await checkCertificate(identity, decodePem(identity.certificate));
      return identity;
    } catch (error) {
      if (error instanceof FailedPreconditionError) throw error;
      // No cause: its message may quote the key.
      throw new FailedPreconditionError(`Identity in '${this.#path}' is damaged: the VM must be made anew`);
    }
  }

  async #write<I extends Identity>(identity: I): Promise<I> {
    await writeDurably(this.#path, JSON.stringify({ version: 1, ...identity }) + "\n", { mode: 0o600 });
    return identity;
  }
}

async function checkCertificate({ vmId, key }: Identity, der: Uint8Array): Promise<CertificateFacts> {
  const facts = readCertificate(der);
  if (facts.commonName !== vmId) {
    throw new FailedPreconditionError(`Certificate is for VM ${facts.commonName}, this is VM ${vmId}`);
  }
  const own = await exportPublicKey(await importKeyPair(key));
  if (own.toHex() !== facts.publicKey.toHex()) {
    throw new FailedPreconditionError(`Certificate of VM ${vmId} is for another key than this VM's`);
  }
  return facts;
}
