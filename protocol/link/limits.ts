// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { MAX_FRAME_BYTES } from "./frame.ts";

/** What a session allows its peer, and what it allows itself to hold. Sizes in bytes. */
export interface Limits {
  /** Bytes that the peer may send on one stream before the consumer has taken any. @default 256 KiB */
  readonly window: number;
  /** Largest message accepted from the peer, reassembled. @default 16 MiB + 64 KiB */
  readonly maxMessage: number;
  /** Calls of the peer that may be open at a time. @default 256 */
  readonly maxStreams: number;
  /**
   * Bytes received and not yet finished with, over all streams. The stream that would exceed it is ended with
   * RESOURCE_EXHAUSTED. @default 48 MiB
   */
  readonly maxBuffered: number;
  /** Message bytes that may be on their way to the peer without its acknowledgement. @default 512 KiB */
  readonly maxInFlight: number;
  /** Bytes that may wait in the transport; the session ends when the peer lets more pile up. @default 8 MiB */
  readonly maxTransportBacklog: number;
  /** Calls of the peer per second, with a burst of as many; more end the session. @default 20,000 */
  readonly maxCallsPerSecond: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: Limits = {
  window: 256 * KIB,
  maxMessage: 16 * MIB + 64 * KIB,
  maxStreams: 256,
  maxBuffered: 48 * MIB,
  maxInFlight: 512 * KIB,
  maxTransportBacklog: 8 * MIB,
  maxCallsPerSecond: 20_000,
};

/** The most credit that a peer may hold on one stream; also bounds `window`. */
export const MAX_WINDOW = 16 * MIB;

/** The least credit that a stream begins with. */
export const MIN_WINDOW = 2 * MAX_FRAME_BYTES;

/** Lowest values with which two sessions can still make progress: a full frame must fit whatever was held back. */
const MINIMUM: Limits = {
  window: MIN_WINDOW,
  maxMessage: KIB,
  maxStreams: 1,
  maxBuffered: MAX_FRAME_BYTES,
  maxInFlight: 4 * MAX_FRAME_BYTES,
  maxTransportBacklog: MIB,
  maxCallsPerSecond: 1,
};

/** Fills in the defaults. Throws RangeError for a value with which a session could stall. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const name of Object.keys(MINIMUM) as (keyof Limits)[]) {
    if (!(limits[name] >= MINIMUM[name] && limits[name] <= 0xffff_ffff)) {
      throw new RangeError(`Link limit ${name} is ${limits[name]}: must be at least ${MINIMUM[name]}`);
    }
  }
  if (limits.window > MAX_WINDOW) {
    throw new RangeError(`Link limit window is ${limits.window}: must be at most ${MAX_WINDOW}`);
  }
  return limits;
}
