// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../lib/clock.ts";
import type { Phases } from "./state/facts.ts";

/** Where a start is, and how long each phase took. */
export class StartProgress {
  readonly #clock: Clock;
  readonly #begunAt: number;
  readonly #phases = new Map<string, number>();
  #phase = "record";
  /** What went wrong last and was tried again. */
  trouble: unknown;
  /** Told of each phase at its end. */
  onphase: ((phase: string, milliseconds: number) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begunAt = clock.now();
  }

  /** Does `work` as a phase of the start. A phase that is done again, after its link broke, adds up. */
  async during<T>(phase: string, work: () => Promise<T>): Promise<T> {
    this.#phase = phase;
    const begunAt = this.#clock.now();
    try {
      return await work();
    } finally {
      const milliseconds = this.#clock.now() - begunAt;
      this.add(phase, milliseconds);
      this.onphase?.(phase, milliseconds);
    }
  }

  get phase(): string {
    return this.#phase;
  }

  /** A figure that was measured elsewhere. */
  add(phase: string, milliseconds: number): void {
    this.#phases.set(phase, (this.#phases.get(phase) ?? 0) + milliseconds);
  }

  get phases(): Phases {
    return Object.fromEntries(this.#phases);
  }

  /** `in phase 'link' after 12.3 s` */
  describe(): string {
    return `in phase '${this.#phase}' after ${((this.#clock.now() - this.#begunAt) / 1000).toFixed(1)} s`;
  }
}
