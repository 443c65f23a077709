// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { untilAborted } from "../../lib/deadline.ts";
import type { WatchResponseSchema } from "../../protocol/gen/agent_pb.ts";

export type WatchEvent = MessageInitShape<typeof WatchResponseSchema>;

/**
 * Events on their way to one watcher. Bounded by the number of containers: of several changes of one container only the
 * newest is kept, and a heartbeat that could not be sent in time is replaced by the next.
 */
export class WatchFeed {
  /** In the order of their newest change. */
  readonly #pending = new Map<string, WatchEvent>();
  #injected: Iterator<WatchEvent> | undefined;
  #wake: PromiseWithResolvers<void> | undefined;

  put(key: string, event: WatchEvent): void {
    this.#pending.delete(key);
    this.#pending.set(key, event);
    this.#ring();
  }

  /** Goes before everything else until it is used up. What the events say is the injector's business. */
  inject(events: Iterable<WatchEvent>): void {
    this.#injected = events[Symbol.iterator]();
    this.#ring();
  }

  /** Never ends but by the signal: rejects with its reason. */
  async *read(signal: AbortSignal): AsyncGenerator<WatchEvent> {
    for (;;) {
      const event = this.#next();
      if (event) yield event;
      else {
        this.#wake = Promise.withResolvers<void>();
        await untilAborted(this.#wake.promise, signal);
      }
    }
  }

  #next(): WatchEvent | undefined {
    const injected = this.#injected?.next();
    if (injected && !injected.done) return injected.value;
    this.#injected = undefined;
    for (const [key, event] of this.#pending) {
      this.#pending.delete(key);
      return event;
    }
    return undefined;
  }

  #ring(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }
}
