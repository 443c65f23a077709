// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../lib/clock.ts";
import { NotFoundError } from "../../lib/errors.ts";
import { Node } from "../../protocol/gen/agent_pb.ts";
import type { HelloRequestSchema, SnapshotSchema } from "../../protocol/gen/agent_pb.ts";
import { CloseCode, Session } from "../../protocol/link/session.ts";
import type { Router, Transport } from "../../protocol/link/session.ts";
import { FakeContainer } from "./container.ts";
import { Gate } from "./gate.ts";
import { WatchFeed } from "./watch_feed.ts";
import type { WatchEvent } from "./watch_feed.ts";

/** Until Hello has told another. */
const DEFAULT_HEARTBEAT_MS = 10_000;

export interface FakeAgentOptions {
  readonly vmId: string;
  readonly clock: Clock;
  /** Bytes of log kept per container. */
  readonly spoolBytes: number;
  /** Serves the agent's side of each session; finds the agent by {@linkcode FakeAgentOptions.onsession}. */
  readonly router: Router;
  readonly onsession: (session: Session, agent: FakeAgent) => void;
  /** The agent was asked to end its VM. */
  readonly onpoweroff: () => void;
}

export interface FakeSandbox {
  readonly id: string;
  readonly config: Uint8Array;
  readonly addresses: readonly string[];
}

/** The agent of one VM of the fake cloud: the state behind its services, and its end of the link. */
export class FakeAgent {
  readonly containers = new Map<string, FakeContainer>();
  sandbox: FakeSandbox | undefined;
  nodes: readonly string[] = [];
  /** Greatest sequence number that the node has acknowledged in this run of the agent. */
  acknowledged = 0n;
  heartbeatMs = DEFAULT_HEARTBEAT_MS;
  readonly #options: FakeAgentOptions;
  readonly #startedAt: bigint;
  #boots = 1;
  #runs = 1;
  #sequence = 0n;
  #epoch = 0n;
  #link: { readonly session: Session; readonly gate: Gate; readonly greeted: Promise<void> } | undefined;
  #feed: WatchFeed | undefined;
  #watching: Session | undefined;

  constructor(options: FakeAgentOptions) {
    this.#options = options;
    this.#startedAt = options.clock.nowNs();
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get bootId(): string {
    return `${this.#options.vmId}-boot-${this.#boots}`;
  }

  get incarnation(): string {
    return `${this.#options.vmId}-run-${this.#runs}`;
  }

  get sequence(): bigint {
    return this.#sequence;
  }

  /** The current session, undefined while there is none. */
  get session(): Session | undefined {
    return this.#link && !this.#link.session.end ? this.#link.session : undefined;
  }

  /** Resolves, and never rejects, when the current session's Hello was answered or has failed. */
  get greeted(): Promise<void> {
    return this.#link?.greeted ?? Promise.resolve();
  }

  /** Begins a session over `transport`, in place of the one before. */
  connect(transport: Transport): void {
    this.disconnect("A newer session took its place");
    const gate = new Gate(transport);
    const session = new Session(gate, { role: "dialer", router: this.#options.router });
    this.#options.onsession(session, this);
    this.#link = { session, gate, greeted: this.#greet(session) };
  }

  disconnect(reason: string): void {
    this.#link?.gate.reopen();
    this.#link?.session.close(reason);
    this.#link = undefined;
  }

  /** Nothing passes the link any more, and nothing closes it. */
  fallSilent(): void {
    this.#link?.gate.shut();
  }

  speakAgain(): void {
    this.#link?.gate.reopen();
  }

  /** Ends without the peer learning of it. */
  vanish(): void {
    this.fallSilent();
    this.#link?.session.close("The VM has vanished");
    this.#link = undefined;
  }

  /** The agent's process was started again: another run, the same containers. */
  restart(): void {
    this.disconnect("The agent has ended");
    this.#runs += 1;
    this.#sequence = 0n;
    this.acknowledged = 0n;
    for (const container of this.containers.values()) container.renumber();
  }

  /** The VM was started again: its disk is as before, nothing runs. */
  reboot(): void {
    this.disconnect("The VM has ended");
    this.#boots += 1;
    for (const container of this.containers.values()) container.exit(137, "The VM was started again");
    this.restart();
  }

  powerOff(): void {
    for (const container of this.containers.values()) container.exit(143);
    this.disconnect("The VM is powered off");
    this.#options.onpoweroff();
  }

  container(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (!container) throw new NotFoundError(`Container ${id} does not exist on VM ${this.#options.vmId}`);
    return container;
  }

  addContainer(id: string, config: Uint8Array): FakeContainer {
    const { clock, spoolBytes } = this.#options;
    const onchange = (changed: FakeContainer) => this.#publish(changed);
    const container = new FakeContainer({ id, config, clock, spoolBytes, onchange });
    this.containers.set(id, container);
    return container;
  }

  /** Answers the sequence number of the removal. */
  removeContainer(id: string): bigint {
    const container = this.containers.get(id);
    if (!container) return this.#sequence;
    container.exit(137);
    this.containers.delete(id);
    const sequence = ++this.#sequence;
    this.#put(id, { sequence, event: { case: "removed", value: id } });
    return sequence;
  }

  nextSequence(): bigint {
    return ++this.#sequence;
  }

  snapshot(): MessageInitShape<typeof SnapshotSchema> {
    const containers = [...this.containers.values()].map(({ state }) => state);
    return { sandboxId: this.sandbox?.id ?? "", bootId: this.bootId, containers };
  }

  /** A feed of everything from now on. Undefined if the session watches already. */
  openFeed(session: Session): WatchFeed | undefined {
    if (this.#watching === session) return undefined;
    this.#watching = session;
    this.#feed = new WatchFeed();
    return this.#feed;
  }

  heartbeat(feed: WatchFeed): void {
    const usage = [...this.containers.values()].filter(({ running }) => running).map((each) => each.usage());
    const value = { time: this.clock.nowNs(), usage, agentRssBytes: 48n * 1024n * 1024n };
    feed.put("", {
      incarnation: this.incarnation,
      sequence: ++this.#sequence,
      event: { case: "heartbeat", value },
    });
  }

  /** Sends events of a test's making on the current watch, before everything else. */
  inject(events: Iterable<WatchEvent>): void {
    if (!this.#feed) throw new NotFoundError("Cannot inject events: nobody watches");
    this.#feed.inject(events);
  }

  #publish(container: FakeContainer): bigint {
    const sequence = ++this.#sequence;
    this.#put(container.id, { sequence, event: { case: "changed", value: container.state } });
    return sequence;
  }

  #put(key: string, event: WatchEvent): void {
    this.#feed?.put(key, { ...event, incarnation: this.incarnation });
  }

  async #greet(session: Session): Promise<void> {
    try {
      const { heartbeatMs, nodes } = await session.client(Node).hello(this.#hello());
      if (heartbeatMs > 0) this.heartbeatMs = heartbeatMs;
      this.nodes = nodes;
    } catch (error) {
      session.close(`Hello failed: ${error}`, CloseCode.PROTOCOL_ERROR);
    }
  }

  #hello(): MessageInitShape<typeof HelloRequestSchema> {
    return {
      protocolOldest: 1,
      protocolNewest: 1,
      agentVersion: "fake",
      bootId: this.bootId,
      epoch: ++this.#epoch,
      os: "fake",
      arch: "fake",
      startedAt: this.#startedAt,
      dialledAt: this.clock.nowNs(),
      sandboxId: this.sandbox?.id ?? "",
      engine: "fake",
    };
  }
}
