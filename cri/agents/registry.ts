// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers";
import { getLogger } from "@logtape/logtape";
import type { DescService } from "@bufbuild/protobuf";
import type { Clock } from "../../lib/clock.ts";
import { NotFoundError } from "../../lib/errors.ts";
import { Containers, Node as NodeService, Sandbox } from "../../protocol/gen/agent_pb.ts";
import type { HelloRequest, HelloResponse, RenewRequest } from "../../protocol/gen/agent_pb.ts";
import { CloseCode, Router, Session } from "../../protocol/link/session.ts";
import type {
  CallContext,
  KeepAliveTimes,
  Limits,
  ServiceImpl,
  Transport,
} from "../../protocol/link/session.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { AgentLink, Agents } from "../agent_link.ts";
import type { FactStore } from "../state/facts.ts";
import type { CertificateAuthority } from "./authority.ts";
import { guardService } from "./guard.ts";
import { checkHello, HelloRefusal } from "./hello.ts";
import { Renewal } from "./renewal.ts";
import { Waiters } from "./waiters.ts";

const logger = getLogger(["infranetes", "agents"]);

export interface RegistryOptions {
  readonly store: Pick<FactStore, "vms">;
  readonly authority: CertificateAuthority;
  readonly clock: Clock;
  readonly nodeVersion: string;
  /** How often an agent is to be heard on its Watch. */
  readonly heartbeatMs: number;
  /** Silence of the node after which an agent powers its VM off. 0 = never. */
  readonly orphanTimeoutMs: number;
  /** Within which Hello must come. @default 10,000 */
  readonly helloTimeoutMs?: number;
  readonly limits?: Partial<Limits>;
  readonly keepAlive?: Partial<KeepAliveTimes>;
}

/** A session from its transport on. `link` is set by Hello. */
interface Peer {
  readonly vmId: string;
  /** Of its certificate. Null for a link that its provider bound to the VM. */
  readonly keyDigest: string | null;
  readonly session: Session;
  /** The addresses that Hello told it. */
  nodes: readonly string[];
  link: AgentLink | null;
  /** Stops the time limit on Hello. */
  readonly greeted: AbortController;
}

/** Sessions of one VM that have not said Hello yet. More means that it dials without need. */
const MAX_UNGREETED = 2;
const HELLO_TIMEOUT_MS = 10_000;
const SET_NODES_TIMEOUT_MS = 10_000;

/**
 * The sessions of all VMs. A session belongs to the VM of its certificate, or to the VM that a provider bound its
 * transport to, and counts from its Hello on. Of two sessions of a VM the one with the greater epoch stays.
 */
export class AgentRegistry implements Agents {
  onlink: ((link: AgentLink) => void) | null = null;
  readonly #options: RegistryOptions;
  readonly #router = new Router();
  readonly #peers = new Map<Session, Peer>();
  readonly #ungreeted = new Map<string, Set<Peer>>();
  readonly #links = new Map<string, AgentLink>();
  readonly #waiters = new Waiters<AgentLink>();
  readonly #renewal: Renewal;
  #nodes: readonly string[] = [];

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#renewal = new Renewal(options);
    this.#router.service(NodeService, {
      hello: (request, context) => this.#hello(request, context),
      renew: (request, context) => this.#renew(request, context),
    });
  }

  /** Lets agents call a service of the node's. Its methods are served after Hello only. */
  service<S extends DescService>(desc: S, impl: Partial<ServiceImpl<S>>): this {
    this.#router.service(desc, guardService(desc, impl, ({ session }) => void this.#greeted(session)));
    return this;
  }

  /** The VM whose agent makes a call. @throws {RpcError} FAILED_PRECONDITION before its Hello */
  linkOf(session: Session): AgentLink {
    return this.#greeted(session).link;
  }

  get(vmId: string): AgentLink | undefined {
    return this.#links.get(vmId);
  }

  get size(): number {
    return this.#links.size;
  }

  /**
   * Rejects with the signal's reason.
   * @throws {NotFoundError} if the VM is forgotten meanwhile
   */
  async waitFor(vmId: string, signal: AbortSignal): Promise<AgentLink> {
    signal.throwIfAborted();
    return this.#links.get(vmId) ?? await this.#waiters.wait(vmId, signal);
  }

  /** The VM is being deleted: ends its sessions. New ones are refused because of `VmFacts.deleteIntentAt`. */
  forget(vmId: string): void {
    const reason = "VM is being deleted";
    for (const { session } of this.#ungreeted.get(vmId) ?? []) session.close(reason);
    this.#links.get(vmId)?.session.close(reason);
    this.#links.delete(vmId);
    this.#waiters.reject(vmId, new NotFoundError(`VM ${vmId} was deleted before its agent called`));
  }

  attach(vmId: string, transport: Transport): void {
    this.accept(vmId, null, transport);
  }

  /** A session of a VM that was recognised by its certificate. */
  accept(vmId: string, keyDigest: string | null, transport: Transport): void {
    const { limits, keepAlive } = this.#options;
    const session = new Session(transport, { role: "listener", router: this.#router, limits, keepAlive });
    const peer: Peer = { vmId, keyDigest, session, nodes: [], link: null, greeted: new AbortController() };
    this.#peers.set(session, peer);
    const ungreeted = this.#ungreeted.get(vmId) ?? new Set();
    this.#ungreeted.set(vmId, ungreeted.add(peer));
    for (const oldest of ungreeted) {
      if (ungreeted.size <= MAX_UNGREETED) break;
      this.#greetedOrGone(oldest);
      oldest.session.close("Too many sessions of this VM wait for their Hello", CloseCode.FLOOD);
    }
    this.#limitHello(peer);
    void session.closed.then(({ code, reason, by }) => {
      this.#greetedOrGone(peer);
      this.#peers.delete(session);
      if (peer.link && this.#links.get(vmId) === peer.link) this.#links.delete(vmId);
      logger.info("Session of VM {vmId} ended by {by}: {reason}", { vmId, by, code, reason });
    });
  }

  /** Whole-state setter of the addresses (`host:port`) at which agents reach the node. Told to every agent. */
  async setNodes(nodes: readonly string[]): Promise<void> {
    this.#nodes = [...nodes];
    // A session whose Hello was answered a moment ago gets them when it is published.
    const linked = [...this.#peers.values()].filter(({ vmId, link }) =>
      link && this.#links.get(vmId) === link
    );
    await Promise.all(linked.map((peer) => this.#pushNodes(peer)));
  }

  /** Ends every session. */
  close(): void {
    for (const session of [...this.#peers.keys()]) session.close("Node process is shutting down");
  }

  #hello(request: HelloRequest, { session }: CallContext): Omit<HelloResponse, "$typeName"> {
    const peer = this.#peers.get(session)!;
    try {
      if (peer.link) throw new HelloRefusal(Code.FAILED_PRECONDITION, "Hello came twice");
      const protocol = this.#begin(peer, request);
      return this.#answer(peer, protocol);
    } catch (error) {
      const { message } = error as Error;
      logger.warn("Hello of VM {vmId} is refused: {reason}", { vmId: peer.vmId, reason: message, error });
      const code = error instanceof HelloRefusal ? error.closeCode : CloseCode.INTERNAL;
      // After the answer is on its way.
      setImmediate(() => session.close(message, code));
      throw error;
    }
  }

  #begin(peer: Peer, request: HelloRequest): number {
    const { store: { vms }, clock } = this.#options;
    const { vmId, session } = peer;
    const { protocol, patch } = checkHello(request, vms.get(vmId), peer.keyDigest, clock.now());
    vms.update(vmId, patch, "vm session");
    this.#greetedOrGone(peer);
    this.#links.get(vmId)?.session.close("A newer session of this VM took its place", CloseCode.SUPERSEDED);
    this.#links.delete(vmId);
    peer.link = {
      vmId,
      hello: request,
      session,
      sandbox: session.client(Sandbox),
      containers: session.client(Containers),
      closed: session.closed,
    };
    // Nobody calls the agent before it has the answer to its Hello.
    setImmediate(() => this.#publish(peer, peer.link!));
    return protocol;
  }

  #answer(peer: Peer, protocol: number): Omit<HelloResponse, "$typeName"> {
    const { nodeVersion, heartbeatMs, orphanTimeoutMs, clock } = this.#options;
    peer.nodes = this.#nodes;
    return {
      protocol,
      nodeVersion,
      heartbeatMs,
      orphanTimeoutMs: BigInt(orphanTimeoutMs),
      nodes: [...this.#nodes],
      nodeTime: clock.nowNs(),
    };
  }

  #publish(peer: Peer, link: AgentLink): void {
    const { vmId, session } = peer;
    if (session.end) return;
    this.#links.set(vmId, link);
    logger.info("VM {vmId} is linked", { vmId, epoch: link.hello.epoch, version: link.hello.agentVersion });
    if (peer.nodes !== this.#nodes) void this.#pushNodes(peer);
    this.#waiters.resolve(vmId, link);
    try {
      this.onlink?.(link);
    } catch (error) {
      logger.error("Session of VM {vmId} cannot be used", { vmId, error });
      session.close("Node cannot use this session", CloseCode.INTERNAL);
    }
  }

  async #pushNodes(peer: Peer): Promise<void> {
    const nodes = peer.nodes = this.#nodes;
    try {
      await peer.link!.sandbox.setNodes({ nodes: [...nodes] }, { timeoutMs: SET_NODES_TIMEOUT_MS });
    } catch (error) {
      // It hears of them with its next Hello.
      logger.warn("VM {vmId} was not told the node's new addresses", { vmId: peer.vmId, error });
    }
  }

  async #renew(request: RenewRequest, { session }: CallContext) {
    return await this.#renewal.renew(this.#greeted(session), request.csr);
  }

  #greeted(session: Session): Peer & { readonly link: AgentLink } {
    const peer = this.#peers.get(session);
    if (peer?.link) return peer as Peer & { readonly link: AgentLink };
    throw new RpcError(Code.FAILED_PRECONDITION, "Hello must be the first call of a session");
  }

  #limitHello(peer: Peer): void {
    const { clock, helloTimeoutMs = HELLO_TIMEOUT_MS } = this.#options;
    clock.sleep(helloTimeoutMs, peer.greeted.signal).then(
      () => peer.session.close(`No Hello came within ${helloTimeoutMs} ms`, CloseCode.SILENT),
      () => {}, // Hello came, or the session is over.
    );
  }

  #greetedOrGone(peer: Peer): void {
    peer.greeted.abort();
    const ungreeted = this.#ungreeted.get(peer.vmId);
    if (ungreeted?.delete(peer) && ungreeted.size === 0) this.#ungreeted.delete(peer.vmId);
  }
}
