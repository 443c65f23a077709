// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { HelloRequest, HelloResponse } from "../../protocol/gen/agent_pb.ts";
import { Node } from "../../protocol/gen/agent_pb.ts";
import { CloseCode, Session } from "../../protocol/link/session.ts";
import type { KeepAliveTimes, Limits, Router, Transport } from "../../protocol/link/session.ts";
import { SocketTransport } from "../../protocol/link/socket_transport.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { PROTOCOL } from "../../protocol/version.ts";
import { retryDelay } from "./backoff.ts";
import { Dialer } from "./dial.ts";
import { openIdentity } from "./first_certificate.ts";
import { IdentityFile } from "./identity.ts";
import type { SignedIdentity } from "./identity.ts";
import { LinkState } from "./link_state.ts";
import { OrphanWatch } from "./orphan.ts";
import { keepRenewed } from "./renew.ts";

const logger = getLogger(["vmserver", "link"]);

/** What the agent tells of itself when a session begins. */
export type HelloFacts = Pick<
  HelloRequest,
  "agentVersion" | "bootId" | "os" | "arch" | "startedAt" | "sandboxId" | "engine"
>;

export interface ConnectionOptions {
  readonly userData: UserData;
  /** The connection's own directory: identity and state of the link. Made if need be. */
  readonly directory: string;
  readonly clock: Clock;
  /** From 0 to 1. @default Math.random */
  readonly random?: () => number;
  /**
   * Gives the next transport where the provider binds the link to the VM: then there is no certificate and no
   * enrolment. Rejects when the signal aborts.
   */
  readonly localLink?: (signal: AbortSignal) => Promise<Transport>;
  /** For the first certificate. @default 10 minutes */
  readonly enrolTimeoutMs?: number;
  readonly limits?: Partial<Limits>;
  readonly keepAlive?: Partial<KeepAliveTimes>;
}

export interface RunOptions {
  /** What the node may call. Calls may come as soon as a session is there. */
  readonly router: Router;
  /** Asked for each session. */
  readonly hello: () => HelloFacts;
  /** A session has begun: the node has answered its Hello. */
  readonly onsession?: (session: Session, answer: HelloResponse) => void;
  /** There was no session for as long as the node allows: the VM is to be powered off. */
  readonly onorphaned?: () => void;
  /** Called once, when the node is reached for: what comes next can be loaded while its answer travels. */
  readonly onconnect?: () => void;
}

const HELLO_TIMEOUT_MS = 10_000;
/** A session that lived as long was a good one: the next dial comes soon again. */
const GOOD_SESSION_MS = 10_000;

/** The agent's end of the link: enrols the VM once, then keeps a session with the node for as long as it runs. */
export class AgentConnection {
  readonly #options: ConnectionOptions;
  readonly #dialer: Dialer;
  #state: LinkState | null = null;
  #session: Session | null = null;
  #transport: Transport | null = null;
  #dialledAt = 0n;
  #failures = 0;
  #lastReason = "";

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#dialer = new Dialer(options.clock);
  }

  /** The session now, past its Hello. */
  get session(): Session | null {
    return this.#session;
  }

  /** Whole-state setter of where the node listens, as it told with SetNodes. Resolves when it is on the disk. */
  async setNodes(nodes: readonly string[]): Promise<void> {
    await this.#state?.update({ nodes: [...nodes] });
  }

  /**
   * Runs until the signal aborts; then the session is closed and this resolves.
   * @throws {EnrolmentRejectedError} the node does not want this VM: end with its `exitCode`
   * @throws {UnavailableError} the VM could not enrol in time: end, and be started again
   */
  async run(signal: AbortSignal, options: RunOptions): Promise<void> {
    const { directory, userData, clock } = this.#options;
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    const state = this.#state = await LinkState.open(join(directory, "link.json"), userData.vmId);
    using orphan = new OrphanWatch(clock, () => options.onorphaned?.());
    using _dialer = this.#dialer;
    orphan.lost(state.facts.orphanTimeoutMs);
    try {
      const renewal = await this.#openIdentity(options, signal);
      while (!signal.aborted) {
        const session = await this.#openSession(state, options, signal);
        if (session) await this.#live(session, { orphan, renewal, state }, options, signal);
        this.#failures += 1;
        const { random = Math.random } = this.#options;
        await clock.sleep(retryDelay(this.#failures, random()), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #openIdentity(options: RunOptions, signal: AbortSignal): Promise<Renewal | null> {
    const { localLink, directory, userData } = this.#options;
    if (localLink) return null;
    const file = new IdentityFile(join(directory, "identity.json"), userData.vmId);
    const onconnect = () => this.#noteConnect(options);
    const identity = await openIdentity(file, { ...this.#options, onconnect }, signal);
    this.#dialer.use(identity);
    return { file, identity };
  }

  /** A session past its Hello; undefined, with the reason logged, if there is none to be had now. */
  async #openSession(state: LinkState, options: RunOptions, signal: AbortSignal) {
    const { limits, keepAlive } = this.#options;
    let session: Session | undefined;
    try {
      this.#noteConnect(options);
      const epoch = state.facts.epoch + 1;
      const stored = state.update({ epoch });
      stored.catch(() => {}); // Told below, when there is a session to close.
      const transport = this.#transport = await this.#dial(state, signal);
      session = new Session(transport, { role: "dialer", router: options.router, limits, keepAlive });
      // On the disk before Hello tells it: an epoch is never used twice.
      await stored;
      const answer = await this.#greet(session, epoch, options, signal);
      return { session, answer };
    } catch (error) {
      session?.close("Session could not begin");
      await this.#gone();
      signal.throwIfAborted();
      this.#tell(error as Error);
      return undefined;
    }
  }

  /** The first time counts: what was before it is this process's own start. */
  #noteConnect({ onconnect }: RunOptions): void {
    if (this.#dialledAt !== 0n) return;
    this.#dialledAt = this.#options.clock.nowNs();
    onconnect?.();
  }

  #dial(state: LinkState, signal: AbortSignal): Promise<Transport> {
    const { localLink, userData } = this.#options;
    if (localLink) return localLink(signal);
    const { nodes } = state.facts;
    return this.#dialer.dial(nodes.length > 0 ? nodes : userData.nodes, signal);
  }

  async #greet(
    session: Session,
    epoch: number,
    { hello }: RunOptions,
    signal: AbortSignal,
  ): Promise<HelloResponse> {
    const request = {
      ...hello(),
      protocolOldest: PROTOCOL.oldest,
      protocolNewest: PROTOCOL.newest,
      epoch: BigInt(epoch),
      dialledAt: this.#dialledAt,
    };
    return await session.client(Node).hello(request, { signal, timeoutMs: HELLO_TIMEOUT_MS });
  }

  async #live(
    { session, answer }: Begun,
    parts: Parts,
    options: RunOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    const { orphan, state, renewal } = parts;
    const began = clock.now();
    const over = new AbortController();
    const close = () => session.close("Agent is ending", CloseCode.NORMAL);
    signal.addEventListener("abort", close, { once: true });
    // It may have come together with the answer to Hello.
    if (signal.aborted) close();
    this.#session = session;
    this.#lastReason = "";
    orphan.linked();
    logger.info("Linked to the node, version {version}", { version: answer.nodeVersion });
    const renewing = renewal ? this.#renew(session, renewal, over.signal) : undefined;
    try {
      await this.#remember(state, answer);
      options.onsession?.(session, answer);
      const { reason, by } = await session.closed;
      logger.info("Session ended by {by}: {reason}", { by, reason });
    } finally {
      this.#session = null;
      signal.removeEventListener("abort", close);
      over.abort();
      session.close("Agent cannot go on with this session", CloseCode.INTERNAL);
      await renewing;
      await this.#gone();
    }
    if (Math.abs(clock.now() - began) >= GOOD_SESSION_MS) this.#failures = 0;
    orphan.lost(state.facts.orphanTimeoutMs);
  }

  /** A disk that is full must not end the agent: what was told holds for this run at least. */
  async #remember(state: LinkState, { nodes, orphanTimeoutMs }: HelloResponse): Promise<void> {
    await state.update({ nodes, orphanTimeoutMs: Number(orphanTimeoutMs) }).catch((error) => {
      logger.warn("What the node said of its addresses cannot be kept", { error });
    });
  }

  async #renew(session: Session, renewal: Renewal, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { file, identity } = renewal;
    const onrenewed = (renewed: SignedIdentity) => {
      renewal.identity = renewed;
      this.#dialer.use(renewed);
    };
    await keepRenewed(session, identity, { file, clock, onrenewed }, signal);
  }

  /** Waits until the socket of the last session is closed, so that its last frames are out when the agent ends. */
  async #gone(): Promise<void> {
    if (this.#transport instanceof SocketTransport) await this.#transport.closed;
    this.#transport = null;
  }

  /** Once for each reason, not for each dial. */
  #tell(error: Error): void {
    if (error.message === this.#lastReason) return;
    this.#lastReason = error.message;
    logger.warn("No session with the node: {reason}", { reason: error.message });
  }
}

interface Begun {
  readonly session: Session;
  readonly answer: HelloResponse;
}

interface Renewal {
  readonly file: IdentityFile;
  identity: SignedIdentity;
}

interface Parts {
  readonly orphan: OrphanWatch;
  readonly state: LinkState;
  readonly renewal: Renewal | null;
}
