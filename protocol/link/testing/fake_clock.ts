// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until it is advanced. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  /** 2026-11-21T07:00:00Z and what was advanced. */
  now(): number {
    return 1_795_244_400_000 + this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are set: 0 when everything was cleaned up. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs the timers that become due, in order, also those that they set. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next; (next = this.#next(until)) !== undefined;) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}
