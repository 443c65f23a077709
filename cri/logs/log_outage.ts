// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";

const logger = getLogger(["infranetes", "logs"]);

export interface LogOutageOptions {
  readonly containerId: string;
  readonly path: string;
  readonly clock: Clock;
  /** Told of each failed write, for the metric. */
  readonly onfull?: () => void;
}

/** Tells of a log file that refuses to be written (disk full) once at the beginning and once at the end, and counts. */
export class LogOutage {
  readonly #options: LogOutageOptions;
  #attempts = 0;
  #since = 0;

  constructor(options: LogOutageOptions) {
    this.#options = options;
  }

  /** A write has failed. */
  failed(error: unknown): void {
    const { containerId, path, clock, onfull } = this.#options;
    onfull?.();
    if (this.#attempts++ > 0) return;
    this.#since = clock.now();
    logger.error("Log of container {containerId} cannot be written, its agent keeps what comes: {error}", {
      containerId,
      path,
      error,
    });
  }

  /** A write has succeeded. */
  over(): void {
    if (this.#attempts === 0) return;
    const { containerId, clock } = this.#options;
    logger.info("Log of container {containerId} is written again", {
      containerId,
      attempts: this.#attempts,
      ms: clock.now() - this.#since,
    });
    this.#attempts = 0;
  }
}
