// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import type { FactStore } from "../state/facts.ts";
import type { AgentIdentity } from "./agent_certificate.ts";
import { identifyAgent } from "./agent_certificate.ts";
import type { CertificateAuthority } from "./authority.ts";
import { PeerRefusal } from "./peer_refusal.ts";

export interface LinkGateOptions {
  readonly authority: CertificateAuthority;
  readonly vms: FactStore["vms"];
  readonly clock: Clock;
}

/** Decides from a peer's certificate and the facts whether it gets a link. */
export class LinkGate {
  readonly #options: LinkGateOptions;

  constructor(options: LinkGateOptions) {
    this.#options = options;
  }

  /** @throws {PeerRefusal} 401 if the certificate is not ours, 403 if its holder may not have a link (any more) */
  async identify(socket: TLSSocket): Promise<AgentIdentity> {
    const { authority, clock } = this.#options;
    // Deno answers {} or undefined where there is none.
    const der: Uint8Array | undefined = socket.getPeerCertificate()?.raw;
    if (!der) throw new PeerRefusal(401, "Client certificate is missing");
    const identity = await identifyAgent(der, authority.trusted, clock.now());
    this.#checkFacts(identity);
    return identity;
  }

  #checkFacts({ vmId, keyDigest }: AgentIdentity): void {
    const row = this.#options.vms.get(vmId);
    if (!row) throw new PeerRefusal(403, `VM ${vmId} is not known to this node`, { vmId });
    if (row.deletedAt !== null || row.deleteIntentAt !== null) {
      throw new PeerRefusal(403, `VM ${vmId} is deleted or being deleted`, { vmId });
    }
    if (row.boundKey !== null && row.boundKey !== keyDigest) {
      throw new PeerRefusal(403, `Certificate has not the key that VM ${vmId} enrolled with`, { vmId });
    }
  }
}
