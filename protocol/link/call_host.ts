// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "./clock.ts";
import type { Budget } from "./flow.ts";
import type { Limits } from "./limits.ts";
import type { BulkQueue } from "./outbox.ts";

/** What a call needs from its session. Sending does nothing once the session has ended. */
export interface CallHost {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly budget: Budget;
  readonly bulk: BulkQueue;
  /** Sends a frame without message bytes, at once. */
  sendControl(frame: Uint8Array<ArrayBuffer>): void;
  /** Sends a frame with message bytes of this cost, at once: only for what is small. */
  sendInline(frame: Uint8Array<ArrayBuffer>, cost: number): void;
  /** Message bytes of this cost came in. */
  arrived(cost: number): void;
}

/** What a call may send to this peer. */
export interface PeerLimits {
  readonly window: number;
  readonly maxMessage: number;
}
