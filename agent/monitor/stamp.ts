// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Wall-clock time that never goes backwards, with the resolution of the monotonic clock.
 *
 * The two clocks of the platform are joined: `Date.now()` follows a clock that is set but ticks in milliseconds,
 * `performance.now()` ticks in microseconds but counts from the start of the process, with the wall clock of that moment.
 */
export class Stamp {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  #offset: number;
  #last = 0n;

  constructor(wall: () => number = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#offset = wall() - monotonic();
  }

  /** Nanoseconds since the Unix epoch. */
  nowNs(): bigint {
    const wall = this.#wall();
    const fine = this.#offset + this.#monotonic();
    // More apart than the tick of the coarser clock: the wall clock was set.
    if (Math.abs(fine - wall) > 2) this.#offset += wall - fine;
    const ns = BigInt(Math.floor((this.#offset + this.#monotonic()) * 1000)) * 1000n;
    if (ns > this.#last) this.#last = ns;
    return this.#last;
  }
}

/** RFC 3339 in UTC with nine digits of fraction: always 30 characters, so that times compare as texts. */
export function formatStamp(ns: bigint): string {
  const milliseconds = ns / 1_000_000n;
  const rest = String(ns % 1_000_000n).padStart(6, "0");
  return `${new Date(Number(milliseconds)).toISOString().slice(0, 23)}${rest}Z`;
}
