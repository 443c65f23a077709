// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Session } from "../../protocol/link/session.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { CertificateAuthority } from "./authority.ts";
import type { Enrolled } from "./enrolment.ts";
import { currentAuthority, readCsr } from "./enrolment.ts";
import { PeerRefusal } from "./peer_refusal.ts";
import { digestHex } from "./x509.ts";

const logger = getLogger(["infranetes", "agents"]);

export interface RenewalOptions {
  readonly authority: CertificateAuthority;
  readonly clock: Clock;
}

export interface RenewingPeer {
  readonly vmId: string;
  /** Of the session's certificate; null if it has none. */
  readonly keyDigest: string | null;
  readonly session: Session;
}

/** Between two certificates of a VM: signatures are the costliest thing that an agent can ask for. */
const MIN_INTERVAL_MS = 1000;

/** Gives a linked VM a new certificate for the key that it has. */
export class Renewal {
  readonly #options: RenewalOptions;
  /** When each session asked last. */
  readonly #askedAt = new WeakMap<Session, number>();

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** @throws {RpcError} */
  async renew(peer: RenewingPeer, csr: Uint8Array): Promise<Enrolled & { authorities: Uint8Array[] }> {
    const { vmId, keyDigest } = peer;
    if (keyDigest === null) {
      throw new RpcError(Code.FAILED_PRECONDITION, "The link of this VM has no certificate to renew");
    }
    this.#limit(peer.session);
    const publicKey = await readCsr(csr, vmId).catch(asRpcError);
    if (await digestHex(publicKey.rawData) !== keyDigest) {
      throw new RpcError(Code.PERMISSION_DENIED, `VM ${vmId} may renew the certificate of its own key only`);
    }
    const { authority } = this.#options;
    const certificate = await authority.issueAgent(vmId, publicKey);
    logger.info("Certificate of VM {vmId} is renewed", { vmId, until: certificate.notAfter.toISOString() });
    return {
      certificate: new Uint8Array(certificate.rawData),
      authorities: [...currentAuthority(authority)],
    };
  }

  #limit(session: Session): void {
    const now = this.#options.clock.now();
    const askedAt = this.#askedAt.get(session);
    // The clock may have been set back meanwhile.
    if (askedAt !== undefined && Math.abs(now - askedAt) < MIN_INTERVAL_MS) {
      throw new RpcError(Code.RESOURCE_EXHAUSTED, "A certificate was asked for a moment ago");
    }
    this.#askedAt.set(session, now);
  }
}

function asRpcError(error: unknown): never {
  if (!(error instanceof PeerRefusal)) throw error;
  throw new RpcError(Code.INVALID_ARGUMENT, error.message, { cause: error });
}
