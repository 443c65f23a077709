// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { untilAborted } from "../../lib/deadline.ts";
import { NotFoundError } from "../../lib/errors.ts";
import type { SnapshotSchema } from "../../protocol/gen/agent_pb.ts";
import { ContainerPhase } from "../../protocol/gen/agent_pb.ts";
import { transportPair } from "../../protocol/link/session.ts";
import type { Transport } from "../../protocol/link/session.ts";
import type { Vm, VmSpec, VmState, VmTags } from "../provider.ts";
import { FakeAgent } from "./agent.ts";
import type { FakeAgentOptions } from "./agent.ts";
import type { StreamName } from "./log.ts";
import type { WatchEvent } from "./watch_feed.ts";

export interface FakeVmOptions extends Omit<FakeAgentOptions, "vmId" | "onpoweroff"> {
  readonly instanceId: string;
  readonly address: string;
  readonly spec: VmSpec;
  /** Milliseconds from creation until it runs. */
  readonly bootMs: number;
  /** Milliseconds that it runs until it hangs. 0 = it never does. */
  readonly silentAfterMs: number;
}

/**
 * One VM of the fake cloud: what its provider sees of it, and the hooks that tests pull.
 *
 *     pending ──bootMs──▶ running ──powerOff──▶ stopped
 *        └───────────────────┴─────delete──────────┴──▶ stopping ──deletion time──▶ gone
 */
export class FakeVm {
  readonly instanceId: string;
  readonly spec: VmSpec;
  readonly agent: FakeAgent;
  readonly #options: FakeVmOptions;
  readonly #runsAt: number;
  readonly #gone = new AbortController();
  #tags: VmTags;
  #stopped = false;
  #goneAt = Infinity;
  #lost = false;
  /** Present while the agent cannot dial; resolves when it can again. */
  #muted: PromiseWithResolvers<void> | undefined;

  constructor(options: FakeVmOptions) {
    const { instanceId, spec, clock, bootMs, silentAfterMs } = options;
    this.instanceId = instanceId;
    this.spec = spec;
    this.#options = options;
    this.#tags = spec.tags;
    this.#runsAt = clock.now() + bootMs;
    this.agent = new FakeAgent({ ...options, vmId: spec.vmId, onpoweroff: () => this.#stop() });
    if (silentAfterMs > 0) {
      clock.sleep(bootMs + silentAfterMs, this.#gone.signal).then(
        () => this.hang(),
        () => {}, // It is gone before.
      );
    }
  }

  /** As the provider tells it. */
  describe(): Vm {
    const { instanceId, state } = this;
    return { instanceId, state, tags: this.#tags, addresses: [this.#options.address] };
  }

  get state(): VmState {
    if (this.#goneAt !== Infinity) return "stopping";
    if (this.#stopped) return "stopped";
    return this.#options.clock.now() < this.#runsAt ? "pending" : "running";
  }

  /** Nothing is left of it. */
  get gone(): boolean {
    return this.#lost || this.#options.clock.now() >= this.#goneAt;
  }

  bind(sandboxId: string): void {
    this.#tags = { ...this.#tags, sandboxId };
  }

  /** Begins to delete it: its agent ends at once, it is gone `deletionMs` later. */
  delete(deletionMs: number): void {
    if (this.#goneAt !== Infinity) return;
    this.#goneAt = this.#options.clock.now() + deletionMs;
    this.#end();
  }

  /** Waits until the agent can call, then begins a session of it. */
  async dial(signal: AbortSignal): Promise<Transport> {
    const until = AbortSignal.any([signal, this.#gone.signal]);
    await this.#options.clock.sleep(Math.max(0, this.#runsAt - this.#options.clock.now()), until);
    while (this.#muted) await untilAborted(this.#muted.promise, until);
    until.throwIfAborted();
    const [ours, theirs] = transportPair();
    this.agent.connect(theirs);
    return ours;
  }

  // Hooks for tests. -----------------------------------------------------------------------------------------------

  /** Ends a running container as if its program had. */
  exitContainer(id: string, exitCode: number): void {
    this.agent.container(id).exit(exitCode);
  }

  /** Writes lines into a container's log. */
  emitLog(id: string, lines: Iterable<string>, stream: StreamName = "stdout"): void {
    const container = this.agent.container(id);
    for (const line of lines) container.writeLine(stream, line);
  }

  /** Ends the session as the agent would; the next `localLink` begins another. */
  disconnect(): void {
    this.agent.disconnect("Disconnected by a test");
  }

  /** Ends the session and begins no other until {@linkcode plug}. */
  unplug(): void {
    this.#mute();
    this.disconnect();
  }

  plug(): void {
    this.#unmute();
  }

  /** Nothing passes the link any more, and nothing closes it. */
  hang(): void {
    this.#mute();
    this.agent.fallSilent();
  }

  /** Lets through what a {@linkcode hang} held. */
  resume(): void {
    this.#unmute();
    this.agent.speakAgain();
  }

  /** The VM vanishes from the cloud, and its agent falls silent without a word. */
  lose(): void {
    this.#lost = true;
    this.agent.vanish();
    this.#gone.abort(this.#notFound());
  }

  /** The VM starts again: another boot id, no container runs. */
  reboot(): void {
    this.#stopped = false;
    this.#unmute();
    this.agent.reboot();
  }

  /** The agent's process starts again; containers live on. */
  restartAgent(): void {
    this.agent.restart();
  }

  powerOff(): void {
    this.agent.powerOff();
  }

  // A hostile agent. -----------------------------------------------------------------------------------------------

  /** Sends `count` changes of a container on the current watch, as fast as the link takes them. */
  flood(id: string, count: number): void {
    const { agent } = this;
    this.agent.inject((function* (): Generator<WatchEvent> {
      const { incarnation } = agent;
      for (let i = 1n; i <= BigInt(count); i++) {
        const sequence = agent.nextSequence();
        const value = { id, sequence, phase: ContainerPhase.RUNNING, startedAt: i };
        yield { incarnation, sequence, event: { case: "changed", value } };
      }
    })());
  }

  /** Sends a snapshot of a test's making: of another VM, of containers that do not exist. */
  sendSnapshot(snapshot: MessageInitShape<typeof SnapshotSchema>): void {
    const { incarnation } = this.agent;
    const sequence = this.agent.nextSequence();
    this.agent.inject([{ incarnation, sequence, event: { case: "snapshot", value: snapshot } }]);
  }

  /** Puts bytes into a container's log as they are: broken framing, a record that never ends. */
  emitRawLog(id: string, bytes: Uint8Array): void {
    this.agent.container(id).log.append(bytes);
  }

  #stop(): void {
    this.#stopped = true;
    this.#mute();
  }

  #mute(): void {
    this.#muted ??= Promise.withResolvers();
  }

  #unmute(): void {
    this.#muted?.resolve();
    this.#muted = undefined;
  }

  #end(): void {
    this.#gone.abort(this.#notFound());
    for (const container of this.agent.containers.values()) container.exit(137);
    this.agent.disconnect("The VM is deleted");
  }

  #notFound(): NotFoundError {
    return new NotFoundError(`VM ${this.instanceId} does not exist`);
  }
}
