// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "./clock.ts";

/** Allows `rate` events a second with a burst of as many. */
export class TokenBucket {
  readonly #rate: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate;
    this.#filledAt = clock.elapsed();
  }

  /** False when the events come too fast. */
  take(): boolean {
    if (this.#tokens < 1) this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#clock.elapsed();
    const passed = now - this.#filledAt;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#rate, this.#tokens + (passed / 1000) * this.#rate);
  }
}
