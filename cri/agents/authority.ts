// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import type { AuthorityFile } from "./authority_file.ts";
import { readAuthorityFile, writeAuthorityFile } from "./authority_file.ts";
import { generateKeyPair, P256, PemConverter, X509Certificate } from "./x509.ts";
import type { PublicKey } from "./x509.ts";
import { issueAgentCertificate, issueAuthorityCertificate, issueNodeCertificate } from "./issue.ts";
import type { Issuer } from "./issue.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_LIFE_MS = 3650 * DAY_MS;
/** With less than this left the authority is replaced when it is opened. */
const AUTHORITY_RESERVE_MS = 365 * DAY_MS;
const NODE_LIFE_MS = 30 * DAY_MS;

export interface AuthorityOptions {
  readonly clock: Clock;
  /** How long an agent's certificate is valid. @default 3 days */
  readonly agentLifeMs?: number;
}

/**
 * The node's certificate authority: it makes the certificates of the node's VMs and the node's own, and nothing else.
 * Its key never leaves the state directory.
 */
export class CertificateAuthority {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #agentLifeMs: number;
  #file!: AuthorityFile;
  #issuer!: Issuer;
  #previous: X509Certificate[] = [];

  private constructor(path: string, { clock, agentLifeMs = 3 * DAY_MS }: AuthorityOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#agentLifeMs = agentLifeMs;
  }

  /**
   * Reads the authority from `<directory>/authority.json`, or makes one there.
   * @throws {FailedPreconditionError} if the file is damaged or others may read it
   */
  static async open(directory: string, options: AuthorityOptions): Promise<CertificateAuthority> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const authority = new CertificateAuthority(join(directory, "authority.json"), options);
    await authority.#open();
    return authority;
  }

  /** The current authority's certificate, PEM: what goes into user data. */
  get certificate(): string {
    return this.#file.certificate;
  }

  /** Every authority whose certificates are good now, the current one first. */
  get trusted(): readonly X509Certificate[] {
    const now = this.#clock.now();
    return [
      this.#issuer.certificate,
      ...this.#previous.filter((_, index) => now < this.#file.previous[index]!.trustedUntil),
    ];
  }

  /** What a peer that knows only an earlier authority needs beside the node's certificate, PEM. */
  get crossCertificates(): readonly string[] {
    const now = this.#clock.now();
    return this.#file.previous.filter(({ trustedUntil }) => now < trustedUntil).map(({ cross }) => cross);
  }

  /** A client-only certificate whose common name is the VM's id. */
  issueAgent(vmId: string, publicKey: PublicKey): Promise<X509Certificate> {
    return issueAgentCertificate(this.#issuer, {
      vmId,
      publicKey,
      now: this.#clock.now(),
      lifeMs: this.#agentLifeMs,
    });
  }

  /** A server-only certificate for these host names and IP addresses. */
  issueNode(hosts: readonly string[], publicKey: CryptoKey): Promise<X509Certificate> {
    return issueNodeCertificate(this.#issuer, {
      hosts,
      publicKey,
      now: this.#clock.now(),
      lifeMs: NODE_LIFE_MS,
    });
  }

  /**
   * Replaces the authority by a new one. The old one's key is destroyed; the certificates that it issued stay good until
   * they end, which is also when the last agent has renewed. The new one is signed by the old one, so that agents that
   * know only that one accept the node until then. The node's own certificate must be issued again.
   */
  async rotate(): Promise<void> {
    const now = this.#clock.now();
    const next = await this.#create();
    const cross = await issueAuthorityCertificate(this.#issuer, {
      publicKey: next.certificate.publicKey,
      subject: next.certificate.subject,
      now,
      lifeMs: this.#agentLifeMs,
    });
    const previous = [
      {
        certificate: this.#file.certificate,
        cross: cross.toString("pem"),
        trustedUntil: now + this.#agentLifeMs,
      },
      ...this.#file.previous.filter(({ trustedUntil }) => now < trustedUntil),
    ];
    await this.#save({ ...next, previous });
  }

  async #open(): Promise<void> {
    const file = await readAuthorityFile(this.#path);
    if (!file) return await this.#save({ ...await this.#create(), previous: [] });
    await this.#use(file);
    const left = this.#issuer.certificate.notAfter.getTime() - this.#clock.now();
    if (left < AUTHORITY_RESERVE_MS) await this.rotate();
  }

  async #create(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair();
    const request = { publicKey, now: this.#clock.now(), lifeMs: AUTHORITY_LIFE_MS };
    return { key: privateKey, certificate: await issueAuthorityCertificate({ key: privateKey }, request) };
  }

  async #save(next: Issuer & Pick<AuthorityFile, "previous">): Promise<void> {
    const file: AuthorityFile = {
      version: 1,
      key: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", next.key), "PRIVATE KEY"),
      certificate: next.certificate.toString("pem"),
      previous: next.previous,
    };
    await writeAuthorityFile(this.#path, file);
    await this.#use(file);
  }

  async #use(file: AuthorityFile): Promise<void> {
    const der = PemConverter.decodeFirst(file.key);
    this.#issuer = {
      key: await crypto.subtle.importKey("pkcs8", der, P256, true, ["sign"]),
      certificate: new X509Certificate(file.certificate),
    };
    this.#previous = file.previous.map(({ certificate }) => new X509Certificate(certificate));
    this.#file = file;
  }
}
