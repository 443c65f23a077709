// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { UnavailableError } from "../../lib/errors.ts";
import { verifyJoinProof, VM_ID_REGEXP } from "../../protocol/enrolment.ts";
import type { EnrollRequest } from "../../protocol/gen/agent_pb.ts";
import type { FactStore, VmFacts } from "../state/facts.ts";
import type { CertificateAuthority } from "./authority.ts";
import { PeerRefusal } from "./peer_refusal.ts";
import { digestHex, Pkcs10CertificateRequest, type PublicKey } from "./x509.ts";

/** SubjectPublicKeyInfo with an uncompressed point (RFC 5480 §2). A compressed one would give the same key two digests. */
const P256_SPKI_BYTES = 91;

export interface EnrolmentOptions {
  readonly authority: CertificateAuthority;
  readonly vms: FactStore["vms"];
  /** Fingerprints in hex of the node's certificate that a proof may name. */
  readonly fingerprints: () => readonly string[];
}

/** What an agent gets for its proof, DER. */
export interface Enrolled {
  readonly certificate: Uint8Array;
  readonly authorities: readonly Uint8Array[];
}

/**
 * Turns a proof of a VM's join token into a certificate for the key that comes with it.
 *
 * The first key that proves the token is bound to the VM before anything is signed; the same key may ask again, because
 * the answer may be lost, until the VM's first session kills the token. Any other key is refused. A VM that is not
 * known, a wrong proof and a dead token look alike to the peer.
 */
export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** @throws {PeerRefusal} with what the peer may know; {@linkcode UnavailableError} is 503 */
  async enrol(request: EnrollRequest): Promise<Enrolled> {
    const { vmId } = request;
    await this.#checkProof(request);
    const publicKey = await readCsr(request.csr, vmId);
    this.#bind(vmId, await digestHex(publicKey.rawData));
    const certificate = await this.#options.authority.issueAgent(vmId, publicKey);
    return {
      certificate: new Uint8Array(certificate.rawData),
      authorities: currentAuthority(this.#options.authority),
    };
  }

  /** Before anything that costs more than a hash: the peer is nobody until then. */
  async #checkProof({ vmId, csr, proof }: EnrollRequest): Promise<void> {
    const row = VM_ID_REGEXP.test(vmId) ? this.#options.vms.get(vmId) : undefined;
    const token = row && mayEnrol(row) ? row.joinToken : null;
    const fingerprints = this.#options.fingerprints();
    // The same work for a VM that does not exist, so that time does not tell either.
    const proven = await Promise.all(
      fingerprints.map((hex) =>
        verifyJoinProof(token ?? "none", { csr, vmId, fingerprint: Uint8Array.fromHex(hex) }, proof)
      ),
    );
    if (token !== null && proven.includes(true)) return;
    throw new PeerRefusal(401, "Join token is wrong, was used already, or belongs to no VM of this node", {
      vmId: VM_ID_REGEXP.test(vmId) ? vmId : "",
    });
  }

  /** Synchronous from reading the fact to writing it: of two keys at the same time one is first. */
  #bind(vmId: string, keyDigest: string): void {
    const row = this.#options.vms.get(vmId);
    if (!row || !mayEnrol(row) || row.joinToken === null) {
      throw new PeerRefusal(401, "Join token was used while this request was under way", { vmId });
    }
    if (row.boundKey === keyDigest) return;
    if (row.boundKey !== null) {
      throw new PeerRefusal(403, `Join token of VM ${vmId} was used with another key before`, { vmId });
    }
    try {
      this.#options.vms.update(vmId, { boundKey: keyDigest }, "vm key bound");
    } catch (cause) {
      if (!(cause instanceof UnavailableError)) throw cause;
      throw new PeerRefusal(503, "Node cannot record the enrolment now: try again", { vmId, cause });
    }
  }
}

/** The authority that an agent is to trust from now on. */
export function currentAuthority(authority: CertificateAuthority): readonly Uint8Array[] {
  return authority.trusted.slice(0, 1).map(({ rawData }) => new Uint8Array(rawData));
}

/**
 * The key of a PKCS#10 request, which must be on P-256 and have signed it. Name and extensions are ignored.
 * @throws {PeerRefusal}
 */
export async function readCsr(der: Uint8Array, vmId: string): Promise<PublicKey> {
  const request = parseCsr(der, vmId);
  const { algorithm, rawData } = request.publicKey;
  const curve = (algorithm as Partial<EcKeyAlgorithm>).namedCurve;
  if (algorithm.name !== "ECDSA" || curve !== "P-256" || rawData.byteLength !== P256_SPKI_BYTES) {
    throw new PeerRefusal(400, "Certificate request has a key that is not ECDSA on P-256", { vmId });
  }
  if (!await request.verify().catch(() => false)) {
    throw new PeerRefusal(400, "Certificate request is not signed by its own key", { vmId });
  }
  return request.publicKey;
}

function parseCsr(der: Uint8Array, vmId: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(new Uint8Array(der));
  } catch (cause) {
    throw new PeerRefusal(400, "Certificate request is no PKCS#10 in DER", { vmId, cause });
  }
}

function mayEnrol(row: VmFacts): boolean {
  return row.firstSessionAt === null && row.deleteIntentAt === null && row.deletedAt === null;
}
