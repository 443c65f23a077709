// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { Tasks } from "../../lib/tasks.ts";
import { encodeUserData } from "../../protocol/user_data.ts";
import type { FactStore } from "../state/facts.ts";
import { CertificateAuthority } from "./authority.ts";
import type { AuthorityOptions } from "./authority.ts";
import { Enrolment } from "./enrolment.ts";
import { LinkGate } from "./link_gate.ts";
import { LinkListener } from "./listener.ts";
import type { ListenerOptions } from "./listener.ts";
import { hostsOf, nodeAddresses } from "./node_addresses.ts";
import { NodeCertificate } from "./node_certificate.ts";
import { AgentRegistry } from "./registry.ts";
import type { RegistryOptions } from "./registry.ts";

const logger = getLogger(["infranetes", "agents"]);

/** Setting in which a port that was chosen for us is kept: VMs know it. */
const PORT_SETTING = "link_port";

export interface LinkEndOptions extends Omit<RegistryOptions, "authority" | "store"> {
  readonly stateDir: string;
  readonly store: Pick<FactStore, "vms" | "settings">;
  readonly clock: Clock;
  /** As in the configuration. */
  readonly link: { readonly host: string; readonly port: number; readonly addresses: readonly string[] };
  readonly agentLifeMs?: AuthorityOptions["agentLifeMs"];
  readonly listener?: Pick<ListenerOptions, "admission" | "handshakeTimeoutMs" | "requestTimeoutMs">;
}

/** The node's end of all agent links, put together: authority, certificates, port and sessions. */
export class LinkEnd {
  readonly registry: AgentRegistry;
  readonly #options: LinkEndOptions;
  readonly #authority: CertificateAuthority;
  readonly #stop = new AbortController();
  readonly #tasks = new Tasks((task, error) =>
    logger.error("Background task {task} failed", { task, error })
  );
  #listener: LinkListener | null = null;
  #certificate: NodeCertificate | null = null;
  #nodes: readonly string[] = [];

  private constructor(options: LinkEndOptions, authority: CertificateAuthority) {
    this.#options = options;
    this.#authority = authority;
    this.registry = new AgentRegistry({ ...options, authority });
  }

  /**
   * Reads or makes the authority in `<stateDir>/ca`. No agent is heard before {@linkcode LinkEnd.listen}, so that the
   * registry's `onlink` can be set.
   * @throws {FailedPreconditionError} if the authority is damaged
   */
  static async open(options: LinkEndOptions): Promise<LinkEnd> {
    const { stateDir, clock, agentLifeMs } = options;
    const life = agentLifeMs === undefined ? {} : { agentLifeMs };
    const authority = await CertificateAuthority.open(join(stateDir, "ca"), { clock, ...life });
    return new LinkEnd(options, authority);
  }

  /** @throws {UnavailableError} if the port cannot be listened on */
  async listen(): Promise<void> {
    const { store: { settings, vms }, clock, link: { host, port }, listener } = this.#options;
    const authority = this.#authority;
    const hosts = hostsOf(this.#addresses(this.#options.link.addresses));
    const certificate = this.#certificate = await NodeCertificate.create(authority, hosts, clock);
    const kept = port === 0 ? Number(settings.get(PORT_SETTING) ?? 0) : port;
    this.#listener = await LinkListener.listen({
      ...listener,
      host,
      port: kept,
      authority,
      certificate,
      registry: this.registry,
      gate: new LinkGate({ authority, vms, clock }),
      enrolment: new Enrolment({ authority, vms, fingerprints: () => certificate.fingerprints }),
    });
    if (kept === 0) settings.set(PORT_SETTING, String(this.#listener.port));
    await this.setAddresses(this.#options.link.addresses);
    this.#tasks.start("renewal of the node's certificate", () => certificate.maintain(this.#stop.signal));
    logger.info("Listening for VMs on {host}:{port}", {
      host,
      port: this.#listener.port,
      nodes: this.#nodes,
    });
  }

  /** `host:port` at which VMs reach the node. Empty before {@linkcode LinkEnd.listen}. */
  get nodes(): readonly string[] {
    return this.#nodes;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Connections of peers that are not known yet. */
  get unknownPeers(): number {
    return this.#listener?.unknownPeers ?? 0;
  }

  /** Whole-state setter of the configured addresses: certificate and agents follow. */
  async setAddresses(configured: readonly string[]): Promise<void> {
    this.#nodes = this.#addresses(configured);
    await this.#certificate?.setHosts(hostsOf(this.#nodes));
    await this.registry.setNodes(this.#nodes);
  }

  #addresses(configured: readonly string[]): string[] {
    const { host } = this.#options.link;
    return nodeAddresses({ host, port: this.port, configured, interfaces: Deno.networkInterfaces() });
  }

  /** Replaces the certificate authority: see {@linkcode CertificateAuthority.rotate}. */
  async rotateAuthority(): Promise<void> {
    await this.#authority.rotate();
    await this.#certificate?.reissue();
  }

  /** The text that tells a VM how to call home. Holds the join token: not for logs. */
  userData({ vmId, joinToken }: { readonly vmId: string; readonly joinToken: string | null }): string {
    const caCertificate = this.#authority.certificate;
    const token = joinToken === null ? {} : { joinToken };
    return encodeUserData({ version: 1, vmId, ...token, caCertificate, nodes: this.#nodes });
  }

  /** Ends all sessions and stops listening. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.registry.close();
    await this.#listener?.close();
    await this.#tasks.settled();
  }
}
