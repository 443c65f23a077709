// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";

const logger = getLogger(["infranetes", "listener"]);

export interface RefusalLogOptions {
  /** Lines at once and then in each interval. @default 50 */
  readonly burst?: number;
  /** @default 10,000 ms */
  readonly intervalMs?: number;
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
}

/**
 * Tells the operator of peers that were refused. Whoever floods the port must not fill the disk with it, so what is too
 * much is counted instead and told with the next line.
 */
export class RefusalLog {
  readonly #burst: number;
  readonly #intervalMs: number;
  readonly #now: () => number;
  #from: number;
  #written = 0;
  #suppressed = 0;

  constructor({ burst = 50, intervalMs = 10_000, now = () => performance.now() }: RefusalLogOptions = {}) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
    this.#now = now;
    this.#from = now();
  }

  /** @param properties never hold a secret: they are written as they are */
  warn(message: string, properties: Readonly<Record<string, unknown>>): void {
    const now = this.#now();
    if (now - this.#from >= this.#intervalMs) {
      this.#from = now;
      this.#written = 0;
    }
    if (this.#written >= this.#burst) {
      this.#suppressed += 1;
      return;
    }
    this.#written += 1;
    if (this.#suppressed > 0) {
      logger.warn("{suppressed} refused peers were not logged", { suppressed: this.#suppressed });
      this.#suppressed = 0;
    }
    logger.warn(message, properties);
  }
}
