// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "./clock.ts";
import { FrameError, readU32 } from "./frame.ts";
import { pingFrame } from "./payload.ts";

export interface KeepAliveTimes {
  /** A ping is sent after this long without any frame from the peer. @default 10,000 ms */
  readonly intervalMs: number;
  /** The peer is dead when nothing at all came within this time after the ping. @default 20,000 ms */
  readonly timeoutMs: number;
}

export const DEFAULT_KEEP_ALIVE: KeepAliveTimes = { intervalMs: 10_000, timeoutMs: 20_000 };

export interface KeepAliveOptions extends KeepAliveTimes {
  readonly clock: Clock;
  readonly send: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly onSilence: (ms: number) => void;
}

/**
 * Notices a dead peer within twice the interval plus the timeout. Every frame counts as a sign of life, and no timer is
 * touched per frame. It begins with the timeout, in which the peer's HELLO has to come.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #heard = false;
  #sequence = 0;
  #awaited = false;
  #cancelTimer: () => void;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#cancelTimer = options.clock.after(options.timeoutMs, () => this.#expire());
  }

  /** A frame came. */
  heard(): void {
    this.#heard = true;
  }

  pong(payload: Uint8Array): void {
    if (!this.#awaited || readU32(payload, 4) !== this.#sequence) {
      throw new FrameError("PONG frame answers no ping");
    }
    this.#awaited = false;
  }

  stop(): void {
    this.#cancelTimer();
  }

  #tick(): void {
    const { clock, intervalMs, timeoutMs } = this.#options;
    if (this.#heard) {
      this.#heard = false;
      this.#cancelTimer = clock.after(intervalMs, () => this.#tick());
      return;
    }
    this.#ping();
    this.#cancelTimer = clock.after(timeoutMs, () => this.#expire());
  }

  #expire(): void {
    if (this.#heard) return this.#tick();
    this.#options.onSilence(this.#options.timeoutMs);
  }

  #ping(): void {
    // A pong that is still due after other frames came makes a second ping needless.
    if (this.#awaited) return;
    this.#awaited = true;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#options.send(pingFrame(this.#sequence));
  }
}
