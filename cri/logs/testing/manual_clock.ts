// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../../lib/clock.ts";

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it, and tells when somebody begins to wait. */
export class ManualClock implements Clock {
  #now = Date.parse("2026-11-21T07:00:00Z");
  readonly #sleepers = new Set<Sleeper>();
  #watchers: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  nowNs(): bigint {
    return BigInt(this.#now) * 1_000_000n;
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
      const sleeper = { until: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", stop, { once: true });
      for (const watcher of this.#watchers.splice(0)) watcher();
    });
  }

  /** Waits that have not ended: 0 when everything was cleaned up. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Resolves when somebody waits for at least `ms` from now. */
  async untilSleeping(ms = 0): Promise<void> {
    while (![...this.#sleepers].some((each) => each.until >= this.#now + ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Moves on, and wakes whoever has waited long enough. */
  advance(ms: number): void {
    this.#now += ms;
    for (const each of [...this.#sleepers]) if (each.until <= this.#now) each.wake();
  }
}
