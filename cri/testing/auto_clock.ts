// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/clock.ts";

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Turns of the event loop without anybody going to sleep after which nothing more is going to happen by itself. */
const IDLE_TURNS = 8;
const MOST_STEPS = 100_000;

/**
 * A clock that stands still until {@linkcode AutoClock.run} moves it, and then jumps from one sleeper to the next as soon
 * as nothing else is left to do. For tests in which everything is in memory: hours pass in milliseconds.
 */
export class AutoClock implements Clock {
  #now = Date.parse("2026-11-21T07:00:00Z");
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now;
  }

  nowNs(): bigint {
    return BigInt(Math.round(this.#now * 1000)) * 1000n;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        this.#sleepers.delete(sleeper);
        reject(signal!.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", stop);
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { until: this.#now + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Sleeps that have not ended: 0 when everything was cleaned up. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Lets time pass until the promise has settled, and answers as it does. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => settled = true);
    done.catch(() => {});
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      await idle(() => settled);
      if (settled) return await done;
      if (!this.#wakeNext(Infinity)) await turn();
    }
    throw new Error("The promise has not settled although a long time has passed");
  }

  /** Lets `ms` milliseconds pass, waking everybody on the way. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    do await idle(); while (this.#wakeNext(until));
    this.#now = until;
    await idle();
  }

  #wakeNext(until: number): boolean {
    let next: Sleeper | undefined;
    for (const each of this.#sleepers) {
      if (each.until <= until && (next === undefined || each.until < next.until)) next = each;
    }
    if (!next) return false;
    this.#now = Math.max(this.#now, next.until);
    next.wake();
    return true;
  }
}

/** Lets everything happen that needs no time to pass. */
export async function idle(stop: () => boolean = () => false): Promise<void> {
  for (let turns = 0; turns < IDLE_TURNS && !stop(); turns++) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
