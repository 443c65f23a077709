// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { VERSION } from "../../lib/version.ts";
import { encodeUserData } from "../../protocol/user_data.ts";
import { CertificateAuthority } from "../agents/authority.ts";
import { Enrolment } from "../agents/enrolment.ts";
import { LinkGate } from "../agents/link_gate.ts";
import { LinkListener } from "../agents/listener.ts";
import { NodeCertificate } from "../agents/node_certificate.ts";
import { AgentRegistry } from "../agents/registry.ts";
import type { NodeConfig } from "../config/schema.ts";
import type { NodeParts } from "../node.ts";
import type { FactStore } from "../state/facts.ts";
import { linkAddresses } from "./link_addresses.ts";
import { listenOnKeptPort } from "./link_port.ts";

export interface AgentsParts {
  readonly config: NodeConfig;
  readonly store: FactStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly interfaces: () => readonly Deno.NetworkInterfaceInfo[];
}

/** The side of the node that its VMs see: authority, sessions, and the port on which agents call. */
export class AgentSide implements AsyncDisposable {
  readonly registry: AgentRegistry;
  readonly #parts: AgentsParts;
  readonly #authority: CertificateAuthority;
  readonly #closing = new AbortController();
  #listener: LinkListener | undefined;
  #nodes: readonly string[] = [];
  #maintenance: Promise<void> = Promise.resolve();

  private constructor(parts: AgentsParts, authority: CertificateAuthority) {
    const { config: { timeouts }, store, clock } = parts;
    this.#parts = parts;
    this.#authority = authority;
    this.registry = new AgentRegistry({
      store,
      authority,
      clock,
      nodeVersion: VERSION,
      heartbeatMs: timeouts.heartbeat,
      orphanTimeoutMs: timeouts.orphan,
    });
  }

  /** @throws {FailedPreconditionError} if the authority's file is damaged or others may read it */
  static async open(parts: AgentsParts): Promise<AgentSide> {
    const directory = join(parts.config.stateDir, "authority");
    return new AgentSide(parts, await CertificateAuthority.open(directory, { clock: parts.clock }));
  }

  /** Listens for VMs. Before this there is no user data. */
  async listen(): Promise<number> {
    const { config: { link }, store, random } = this.#parts;
    this.#listener = link.port === 0
      ? await listenOnKeptPort(store.settings, random, (port) => this.#listen(port))
      : await this.#listen(link.port);
    await this.registry.setNodes(this.#nodes);
    return this.#listener.port;
  }

  readonly userData: NodeParts["userData"] = ({ vmId, joinToken }) =>
    encodeUserData({
      version: 1,
      vmId,
      caCertificate: this.#authority.certificate,
      nodes: this.#nodes,
      ...(joinToken === null ? {} : { joinToken }),
    });

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.registry.close();
    await this.#listener?.close();
    await this.#maintenance;
  }

  async #listen(port: number): Promise<LinkListener> {
    const { config: { link }, store, clock, interfaces } = this.#parts;
    const { hosts, nodes } = linkAddresses(link, port, interfaces());
    const certificate = await NodeCertificate.create(this.#authority, hosts, clock);
    const authority = this.#authority;
    const listener = await LinkListener.listen({
      host: link.host,
      port,
      authority,
      certificate,
      gate: new LinkGate({ authority, vms: store.vms, clock }),
      enrolment: new Enrolment({
        authority,
        vms: store.vms,
        fingerprints: () => certificate.fingerprints,
      }),
      registry: this.registry,
      ...listenerLimits(link.limits),
    });
    this.#nodes = nodes;
    this.#maintenance = certificate.maintain(this.#closing.signal);
    return listener;
  }
}

/** How many seconds' worth of failures, or of links, may come at once. */
const BURST_SECONDS = 20;

function listenerLimits(limits: NodeConfig["link"]["limits"]) {
  const { unknownPeers, unknownPeersPerAddress, failuresPerSecond, linksPerSecond } = limits;
  const failureBurst = failuresPerSecond * BURST_SECONDS;
  return {
    admission: { total: unknownPeers, perSource: unknownPeersPerAddress, failuresPerSecond, failureBurst },
    links: { perSecond: linksPerSecond, burst: linksPerSecond * BURST_SECONDS },
  };
}
