// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { createServer, type Server } from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { UnavailableError } from "../../lib/errors.ts";
import { Admission } from "./admission.ts";
import type { AdmissionLimits, Ticket } from "./admission.ts";
import type { CertificateAuthority } from "./authority.ts";
import type { Enrolment } from "./enrolment.ts";
import { LinkRoutes } from "./link_routes.ts";
import type { LinkRoutesOptions } from "./link_routes.ts";
import type { LinkGate } from "./link_gate.ts";
import type { NodeCertificate, ServerIdentity } from "./node_certificate.ts";
import { RefusalLog } from "./refusal_log.ts";
import type { AgentRegistry } from "./registry.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  readonly authority: CertificateAuthority;
  readonly certificate: NodeCertificate;
  readonly gate: LinkGate;
  readonly enrolment: Enrolment;
  readonly registry: AgentRegistry;
  readonly admission?: Partial<AdmissionLimits>;
  readonly links?: LinkRoutesOptions["links"];
  /** Within which the TLS handshake must be done. @default 10,000 */
  readonly handshakeTimeoutMs?: number;
  /** Within which a request must have come, headers and body. @default 10,000 */
  readonly requestTimeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 8 * 1024;

/**
 * The node's link port: TLS, HTTP/1.1 and three paths. Everybody can reach it, so a peer gets little before it is known:
 * a place among few ({@linkcode Admission}), little time, few bytes.
 */
export class LinkListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #log = new RefusalLog();
  readonly #sockets = new Map<string, { readonly socket: Socket; readonly ticket: Ticket }>();

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.admission);
    this.#server = createServer(this.#serverOptions());
    this.#server.maxRequestsPerSocket = 1;
    const routes = new LinkRoutes({
      ...options,
      log: this.#log,
      recognised: (request) => this.#sockets.get(peerName(request.socket))?.ticket.recognised(),
    });
    // Before the TLS layer's own listener, so that who is refused costs no handshake.
    this.#server.prependListener("connection", (socket: Socket) => this.#admit(socket));
    this.#server.on("request", (request, response) => void routes.serve(request, response));
    this.#server.on(
      "upgrade",
      (request: IncomingMessage, socket: TLSSocket, head: Buffer) =>
        void routes.upgrade(request, socket, head),
    );
    this.#logErrors();
    options.certificate.onchange = (identity) => this.#server.setSecureContext(this.#context(identity));
  }

  /** @throws {UnavailableError} if the address cannot be listened on */
  static async listen(options: ListenerOptions): Promise<LinkListener> {
    const listener = new LinkListener(options);
    const { host, port } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    listener.#server.once("error", reject);
    listener.#server.listen(port, host, resolve);
    try {
      await promise;
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new UnavailableError(`Cannot listen for VMs on ${host}:${port}: ${reason}`, { cause });
    }
    listener.#server.removeListener("error", reject);
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections of peers that are not known yet. */
  get unknownPeers(): number {
    return this.#admission.open;
  }

  /** Stops listening and closes every connection. Sessions are the registry's to end before. */
  async close(): Promise<void> {
    this.#options.certificate.onchange = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const { socket } of this.#sockets.values()) socket.destroy();
    await promise;
  }

  #serverOptions() {
    const { certificate, handshakeTimeoutMs = TIMEOUT_MS, requestTimeoutMs = TIMEOUT_MS } = this.#options;
    return {
      ...this.#context(certificate.identity),
      minVersion: "TLSv1.3" as const,
      requestCert: true,
      // The decision needs the facts and an answer that says why: `LinkGate`.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1000, requestTimeoutMs / 4)),
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAlive: true,
      noDelay: true,
    };
  }

  #context({ certificate, key }: ServerIdentity) {
    return {
      cert: certificate,
      key,
      ca: this.#options.authority.trusted.map((each) => each.toString("pem")),
    };
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const ticket = this.#admission.admit(address, () => {
      this.#log.warn("Peer {address} was cut off: too many connections without a known agent", { address });
      socket.destroy();
    });
    if (!ticket) {
      this.#log.warn("Peer {address} is refused: too many connections that came to nothing", { address });
      return void socket.destroy();
    }
    const name = peerName(socket);
    this.#sockets.set(name, { socket, ticket });
    socket.once("close", () => {
      ticket.closed();
      this.#sockets.delete(name);
    });
  }

  #logErrors(): void {
    const told = new WeakSet<Error>();
    const tell = (error: Error, socket: Partial<TLSSocket> & { readonly _parent?: Socket }) => {
      socket.destroy?.();
      // A failed handshake is reported as both events.
      if (told.has(error)) return;
      told.add(error);
      // Deno has forgotten the address of a TLS socket that it has destroyed, not that of the socket below it.
      const address = socket.remoteAddress ?? socket._parent?.remoteAddress ?? "unknown";
      this.#log.warn("Peer {address} was cut off: {reason}", { address, reason: error.message });
    };
    // The true cause of what clients of Deno see as an error about ALPN.
    this.#server.on("tlsClientError", tell);
    this.#server.on("clientError", tell);
  }
}

function peerName({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress} ${remotePort}`;
}
