// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";

/** The longest that a timer can wait. A longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The dead-man switch: calls back once if there was no session for too long. */
export class OrphanWatch implements Disposable {
  readonly #clock: Clock;
  readonly #onorphaned: () => void;
  #waiting: AbortController | null = null;

  constructor(clock: Clock, onorphaned: () => void) {
    this.#clock = clock;
    this.#onorphaned = onorphaned;
  }

  /** There is no session (any more). Counts from the first call on. @param timeoutMs 0 = never */
  lost(timeoutMs: number): void {
    if (this.#waiting || timeoutMs === 0) return;
    const waiting = this.#waiting = new AbortController();
    this.#clock.sleep(Math.min(timeoutMs, MAX_TIMER_MS), waiting.signal).then(
      () => this.#onorphaned(),
      () => {}, // There is a session again, or the agent ends.
    );
  }

  /** There is a session. */
  linked(): void {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  [Symbol.dispose](): void {
    this.linked();
  }
}
