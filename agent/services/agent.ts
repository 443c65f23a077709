// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { FailedPreconditionError, NotFoundError, UnavailableError } from "../../lib/errors.ts";
import type { ConfigureRequest } from "../../protocol/gen/agent_pb.ts";
import type { Engine, EngineContainer, SandboxSpec } from "../engines/engine.ts";
import type { Os } from "../os/os.ts";
import type { AgentStore, StoredContainer } from "../state/store.ts";
import type { ContainerEntry } from "./container_entry.ts";
import { Feed } from "./feed.ts";
import { containerSpec, sandboxSpec } from "./specs.ts";
import { Turns } from "./turns.ts";

const logger = getLogger(["vmserver", "agent"]);
const DEFAULT_HEARTBEAT_MS = 5_000;

/** @see Agent */
export interface AgentOptions {
  readonly store: AgentStore;
  readonly os: Os;
  readonly clock: Clock;
  readonly bootId: string;
  /** Identifies this run of the agent: random. */
  readonly incarnation: string;
  /** Makes the engine when it is first needed: a VM that waits for its pod does without it. */
  readonly loadEngine: () => Promise<Engine>;
  /** Tells the link where the node listens. */
  readonly setNodes: (nodes: readonly string[]) => Promise<void> | void;
  /** All containers have ended on the node's order: ends the VM. Called once, after the order was answered. */
  readonly end: () => void;
}

/** A sandbox that this VM is bound to. */
export interface BoundSandbox {
  readonly request: ConfigureRequest;
  readonly spec: SandboxSpec;
}

/**
 * The agent's whole state, and the one place where it changes: each change gets the next sequence number and goes to
 * whoever watches. The files of this folder are its calls.
 */
export class Agent {
  readonly store: AgentStore;
  readonly os: Os;
  readonly clock: Clock;
  readonly bootId: string;
  readonly incarnation: string;
  readonly setNodes: AgentOptions["setNodes"];
  readonly containers = new Map<string, ContainerEntry>();
  /** By container id: create, start and remove of one container never overlap. */
  readonly turns = new Turns();
  readonly #loadEngine: () => Promise<Engine>;
  readonly #end: () => void;
  readonly #feeds = new Set<Feed>();
  #engine: Promise<Engine> | undefined;
  #sandbox: BoundSandbox | undefined;
  #sequence = 0n;
  #ending = false;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;

  constructor(options: AgentOptions) {
    this.store = options.store;
    this.os = options.os;
    this.clock = options.clock;
    this.bootId = options.bootId;
    this.incarnation = options.incarnation;
    this.setNodes = options.setNodes;
    this.#loadEngine = options.loadEngine;
    this.#end = options.end;
  }

  /** Number of the newest change. */
  get sequence(): bigint {
    return this.#sequence;
  }

  /** How often each watch is to tell that the agent lives. */
  get heartbeatMs(): number {
    return this.#heartbeatMs;
  }

  /** As the node said in HelloResponse: holds at once for watches under way. 0 = as before. */
  set heartbeatMs(ms: number) {
    if (ms > 0) this.#heartbeatMs = ms;
    for (const feed of this.#feeds) feed.wake();
  }

  get sandbox(): BoundSandbox | undefined {
    return this.#sandbox;
  }

  /** @throws {FailedPreconditionError} while the VM is not bound to a sandbox */
  requireSandbox(): BoundSandbox {
    if (this.#sandbox) return this.#sandbox;
    throw new FailedPreconditionError("This VM is not bound to a sandbox yet: Configure comes first");
  }

  /** @throws {NotFoundError} if there is no such container */
  requireContainer(id: string): ContainerEntry {
    const entry = this.containers.get(id);
    if (entry) return entry;
    throw new NotFoundError(`Container ${id} does not exist on this VM`);
  }

  /** @throws {UnavailableError} once the VM is being shut down: nothing new begins */
  refuseIfEnding(): void {
    if (this.#ending) throw new UnavailableError("This VM is shutting down");
  }

  engine(): Promise<Engine> {
    return this.#engine ??= this.#loadEngine();
  }

  /** Takes up what an earlier run of the agent left. To be called once, before any call is answered. */
  async recover(signal: AbortSignal): Promise<void> {
    const request = this.store.sandbox();
    const stored = this.store.containers();
    if (!request) return;
    this.#sandbox = { request, spec: await sandboxSpec(request) };
    await Promise.all([...stored].map(([id, container]) => this.#recoverContainer(id, container, signal)));
  }

  async bind(sandbox: BoundSandbox): Promise<void> {
    await this.store.bind(sandbox.request);
    this.#sandbox = sandbox;
  }

  add(stored: StoredContainer, engine: EngineContainer): ContainerEntry {
    const id = stored.request.containerId;
    const entry: ContainerEntry = { ...stored, id, engine, sequence: 0n };
    this.containers.set(id, entry);
    engine.onchange = () => this.#changed(entry);
    this.#changed(entry);
    return entry;
  }

  delete(id: string): void {
    this.containers.delete(id);
    this.#sequence += 1n;
    for (const feed of this.#feeds) feed.removed(id, this.#sequence);
  }

  /** Begins to collect changes for one watch. */
  openFeed(onchange: () => void): Feed {
    const feed = new Feed(onchange);
    this.#feeds.add(feed);
    return feed;
  }

  closeFeed(feed: Feed): void {
    this.#feeds.delete(feed);
  }

  /** Stops all containers and ends the VM, once the answer to this order has left. */
  async shutDown(graceMs: number, signal: AbortSignal): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.containers.values()].map(({ engine }) => engine.stop(graceMs, signal)));
    logger.info("All containers of this VM have ended on its node's order: it shuts down");
  }

  /** @see AgentOptions.end */
  end(): void {
    this.#end();
  }

  async #recoverContainer(id: string, stored: StoredContainer, signal: AbortSignal): Promise<void> {
    try {
      const spec = await containerSpec(stored.request, this.#sandbox!.spec, this.store.directory(id));
      const engine = await (await this.engine()).recover(spec, signal);
      this.add(stored, engine);
    } catch (error) {
      // The others are not to suffer from it. The node misses it in the snapshot and declares it lost.
      logger.error("Container {id} cannot be taken up again: {error}", { id, error });
    }
  }

  #changed(entry: ContainerEntry): void {
    this.#sequence += 1n;
    entry.sequence = this.#sequence;
    for (const feed of this.#feeds) feed.changed(entry.id);
  }
}
