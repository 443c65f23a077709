// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { FailedPreconditionError } from "../../lib/errors.ts";
import type { ContainerUsageSchema, WatchRequest, WatchResponseSchema } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Session } from "../../protocol/link/session.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { Agent } from "./agent.ts";
import { containerState } from "./container_entry.ts";
import type { Feed } from "./feed.ts";

type Response = MessageInitShape<typeof WatchResponseSchema>;

/**
 * Changes that may be told without having been acknowledged. A node acknowledges in order, and holds back while it
 * fetches the log of a container that ended.
 */
const MAX_UNACKNOWLEDGED = 256;

/** Sessions that have a watch. */
const watched = new WeakSet<Session>();

/** A snapshot first, then each change and heartbeats until the call ends. One watch a session. */
export function watch(
  agent: Agent,
  requests: AsyncIterable<WatchRequest>,
  context: CallContext,
): AsyncIterable<Response> {
  if (watched.has(context.session)) {
    throw new FailedPreconditionError("This session has a watch already: end the session to begin anew");
  }
  watched.add(context.session);
  return new Watch(agent, context.signal).run(requests);
}

interface Pause {
  readonly ms: number;
  readonly due: boolean;
  readonly over: Promise<void>;
  stop(): void;
}

class Watch {
  readonly #agent: Agent;
  readonly #signal: AbortSignal;
  readonly #feed: Feed;
  /** Sequence numbers that were told and not acknowledged. */
  #unacknowledged: bigint[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(agent: Agent, signal: AbortSignal) {
    this.#agent = agent;
    this.#signal = signal;
    // Before the snapshot, so that nothing falls between the two.
    this.#feed = agent.openFeed(() => this.#wake.resolve());
  }

  async *run(requests: AsyncIterable<WatchRequest>): AsyncGenerator<Response> {
    const onabort = () => this.#wake.resolve();
    this.#signal.addEventListener("abort", onabort, { once: true });
    void this.#hear(requests);
    try {
      yield this.#snapshot();
      yield* this.#follow();
    } finally {
      this.#signal.removeEventListener("abort", onabort);
      this.#agent.closeFeed(this.#feed);
    }
  }

  async *#follow(): AsyncGenerator<Response> {
    let beat = this.#pause();
    using _ = { [Symbol.dispose]: () => beat.stop() };
    while (!this.#signal.aborted) {
      this.#wake = Promise.withResolvers();
      if (this.#feed.overflow) {
        throw new RpcError(Code.RESOURCE_EXHAUSTED, "Watch lies too far behind: begin anew with a snapshot");
      }
      if (this.#unacknowledged.length < MAX_UNACKNOWLEDGED) yield* this.#changes();
      if (this.#feed.empty || this.#unacknowledged.length >= MAX_UNACKNOWLEDGED) {
        await Promise.race([this.#wake.promise, beat.over]);
      }
      if (beat.due) yield await this.#heartbeat();
      // The node may have said meanwhile how often it wants to hear.
      else if (beat.ms === this.#agent.heartbeatMs) continue;
      beat.stop();
      beat = this.#pause();
    }
  }

  #snapshot(): Response {
    const { bootId, containers, sandbox } = this.#agent;
    return this.#told(this.#agent.sequence, {
      case: "snapshot",
      value: {
        sandboxId: sandbox?.request.sandboxId ?? "",
        bootId,
        containers: [...containers.values()].map(containerState),
      },
    });
  }

  /** What is pending, in the order of its sequence numbers, for that is how it is acknowledged. */
  #changes(): Response[] {
    const { changed, removed } = this.#feed.take();
    const entries = changed.map((id) => this.#agent.containers.get(id)).filter((entry) =>
      entry !== undefined
    );
    const pending = [
      ...entries.map((entry) => ({
        at: entry.sequence,
        event: { case: "changed", value: containerState(entry) } as const,
      })),
      ...removed.map(([id, at]) => ({ at, event: { case: "removed", value: id } as const })),
    ];
    pending.sort((a, b) => a.at < b.at ? -1 : 1);
    return pending.map(({ at, event }) => this.#told(at, event));
  }

  #told(sequence: bigint, event: NonNullable<Response["event"]>): Response {
    this.#unacknowledged.push(sequence);
    return { incarnation: this.#agent.incarnation, sequence, event };
  }

  async #heartbeat(): Promise<Response> {
    const { clock, containers, incarnation, sequence } = this.#agent;
    const time = clock.nowNs();
    const usage: MessageInitShape<typeof ContainerUsageSchema>[] = [];
    for (const { id, engine } of containers.values()) {
      const used = await engine.usage();
      if (!used) continue;
      const { memoryWorkingSetBytes, memoryRssBytes, writableBytes, writableInodes } = used;
      usage.push({
        id,
        time: clock.nowNs(),
        cpuNanoseconds: used.cpuNanoseconds,
        memoryWorkingSetBytes: BigInt(memoryWorkingSetBytes),
        memoryRssBytes: BigInt(memoryRssBytes),
        processes: used.processes,
        writableBytes: BigInt(writableBytes),
        writableInodes: BigInt(writableInodes),
      });
    }
    const agentRssBytes = BigInt(Deno.memoryUsage().rss);
    return { incarnation, sequence, event: { case: "heartbeat", value: { time, usage, agentRssBytes } } };
  }

  /** Until the next heartbeat. Waits by a timer and not by the wall clock, which may be set. */
  #pause(): Pause {
    const ms = this.#agent.heartbeatMs;
    const stop = new AbortController();
    const pause = { ms, due: false, over: Promise.resolve(), stop: () => stop.abort() };
    pause.over = this.#agent.clock.sleep(ms, stop.signal).then(
      () => void (pause.due = true),
      () => {}, // Stopped.
    );
    return pause;
  }

  async #hear(requests: AsyncIterable<WatchRequest>): Promise<void> {
    try {
      for await (const { acknowledged } of requests) {
        this.#unacknowledged = this.#unacknowledged.filter((sequence) => sequence > acknowledged);
        this.#wake.resolve();
      }
    } catch {
      // The call is over, which its signal says too.
    }
  }
}
