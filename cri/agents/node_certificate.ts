// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { CertificateAuthority } from "./authority.ts";
import { digestHex, generateKeyPair, PemConverter } from "./x509.ts";

const logger = getLogger(["infranetes", "agents"]);

/** What the listener shows its peers. Lives in memory only: a restarted node makes another. */
export interface ServerIdentity {
  /** Certificate chain, PEM, the node's own first. */
  readonly certificate: string;
  /** PKCS#8, PEM. */
  readonly key: string;
  /** SHA-256 of the node's certificate, hex. */
  readonly fingerprint: string;
  /** When it is to be replaced, in milliseconds since the Unix epoch. */
  readonly renewAt: number;
}

/** Longest sleep before the clock is looked at again: it may have been set, or the machine suspended. */
const MAX_SLEEP_MS = 6 * 60 * 60 * 1000;
const RETRY_MS = 60_000;

/**
 * The node's own certificate: server-only, for the host names and addresses at which VMs reach it. It is made again when
 * those change, when the authority was rotated, and at two thirds of its life.
 */
export class NodeCertificate {
  /** Told of each new identity. */
  onchange: ((identity: ServerIdentity) => void) | null = null;
  readonly #authority: CertificateAuthority;
  readonly #clock: Clock;
  #hosts: readonly string[];
  #identity!: ServerIdentity;
  #before: ServerIdentity | null = null;

  private constructor(authority: CertificateAuthority, hosts: readonly string[], clock: Clock) {
    this.#authority = authority;
    this.#hosts = hosts;
    this.#clock = clock;
  }

  static async create(
    authority: CertificateAuthority,
    hosts: readonly string[],
    clock: Clock,
  ): Promise<NodeCertificate> {
    const certificate = new NodeCertificate(authority, hosts, clock);
    await certificate.reissue();
    return certificate;
  }

  get identity(): ServerIdentity {
    return this.#identity;
  }

  /**
   * Fingerprints that a join proof may name: the certificate now, and the one before it, because it may have been
   * replaced between an agent's handshake and its request.
   */
  get fingerprints(): readonly string[] {
    return [this.#identity, ...this.#before ? [this.#before] : []].map(({ fingerprint }) => fingerprint);
  }

  /** Whole-state setter of the host names and addresses. */
  async setHosts(hosts: readonly string[]): Promise<void> {
    if (hosts.length === this.#hosts.length && hosts.every((host, index) => host === this.#hosts[index])) {
      return;
    }
    this.#hosts = hosts;
    await this.reissue();
  }

  /** To be called after the authority was rotated. */
  async reissue(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair();
    const leaf = await this.#authority.issueNode(this.#hosts, publicKey);
    const issuedAt = this.#clock.now();
    this.#before = this.#identity ?? null;
    this.#identity = {
      certificate: [leaf.toString("pem"), ...this.#authority.crossCertificates].join("\n"),
      key: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY"),
      fingerprint: await digestHex(leaf.rawData),
      renewAt: issuedAt + (leaf.notAfter.getTime() - issuedAt) * 2 / 3,
    };
    this.onchange?.(this.#identity);
  }

  /** Keeps the certificate fresh until the signal aborts. Never rejects. */
  async maintain(signal: AbortSignal): Promise<void> {
    const sleep = (ms: number) => this.#clock.sleep(ms, signal).catch(() => {});
    while (!signal.aborted) {
      const wait = this.#identity.renewAt - this.#clock.now();
      if (wait > 0) await sleep(Math.min(wait, MAX_SLEEP_MS));
      else await this.reissue().catch((error) => this.#tell(error, sleep));
    }
  }

  async #tell(error: unknown, sleep: (ms: number) => Promise<void>): Promise<void> {
    logger.error("Certificate of the node cannot be renewed yet", { error });
    await sleep(RETRY_MS);
  }
}
