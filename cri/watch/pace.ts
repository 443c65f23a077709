// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";

export interface PaceOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  /** How many may come at once after a quiet time. */
  readonly burst: number;
}

/**
 * Lets a peer's events through no faster than a rate. Whoever reads a stream only after `next` makes a flood wait in the
 * peer, by the stream's credit, and not in this process's memory.
 */
export class Pace {
  readonly #options: PaceOptions;
  #tokens: number;
  #filledAt: number;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#filledAt = options.clock.now();
  }

  /** Resolves when one more may come. Rejects with the signal's reason. */
  async next(signal: AbortSignal): Promise<void> {
    const { clock, perSecond, burst } = this.#options;
    const now = clock.now();
    // A clock that was set back gives nothing and takes nothing.
    const earned = Math.max(0, now - this.#filledAt) * perSecond / 1000;
    this.#tokens = Math.min(burst, this.#tokens + earned) - 1;
    this.#filledAt = now;
    if (this.#tokens < 0) await clock.sleep(-this.#tokens * 1000 / perSecond, signal);
  }
}
