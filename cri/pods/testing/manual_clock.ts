// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Clock } from "../../../lib/clock.ts";

interface Sleeper {
  readonly ms: number;
  /** Lets the time of the sleep pass. */
  wake(): void;
}

/** A clock in which time passes only when the test wakes a sleeper; the test waits for sleepers by awaiting them. */
export class ManualClock implements Clock {
  #now = Date.parse("2026-11-21T07:00:00Z");
  #sleepers: Sleeper[] = [];
  #waiting: ((sleeper: Sleeper) => void)[] = [];

  now(): number {
    return this.#now;
  }

  nowNs(): bigint {
    return BigInt(this.#now) * 1_000_000n;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      const wake = () => {
        this.#now += ms;
        resolve();
      };
      const waiting = this.#waiting.shift();
      if (waiting) waiting({ ms, wake });
      else this.#sleepers.push({ ms, wake });
    });
  }

  /** The next sleep, as soon as somebody sleeps. */
  nextSleep(): Promise<Sleeper> {
    const sleeper = this.#sleepers.shift();
    return sleeper ? Promise.resolve(sleeper) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
