// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ServerCall } from "./call_scope.ts";

/** How far a stream may be ahead of its connection's socket, in bytes: four windows of HTTP/2. */
export const MAX_AHEAD_BYTES = 4 * 64 * 1024;

const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 64;

/** All that is needed of a socket: how many bytes it has taken over so far. */
export interface CountingSocket {
  readonly bytesWritten: number;
}

/**
 * Counts what one server stream has given its connection against what the connection's socket took over. Needed because
 * `node:http2` of Deno 2.9.2 calls a write done while its bytes still wait for the peer's window (denoland/deno#36044,
 * mended in 2.9.4): `write() === false` and `drain` say nothing there, and a reader that stands still lets memory grow
 * without end.
 *
 * Whatever the socket takes counts as this stream's. So a stream never waits for bytes that are not its own, and for as
 * long as other calls on the connection are answered, a stalled one may still grow by as much as they take.
 */
export class Outbound {
  readonly #socket: CountingSocket;
  #given: number;

  constructor(socket: CountingSocket) {
    this.#socket = socket;
    this.#given = socket.bytesWritten;
  }

  /** To be called for every message of the stream. */
  add(bytes: number): void {
    // Headers, frames and other calls were written but not given: whenever they lead, all of ours has been written.
    this.#given = Math.max(this.#given, this.#socket.bytesWritten) + bytes;
  }

  /**
   * Waits until the socket is at most {@linkcode MAX_AHEAD_BYTES} behind. Looks, at growing intervals, since there is no
   * event to wait for. Rejects with the signal's reason.
   */
  async room(signal: AbortSignal): Promise<void> {
    let pause = FIRST_LOOK_MS;
    while (this.#given - this.#socket.bytesWritten > MAX_AHEAD_BYTES) {
      await delay(pause, signal);
      pause = Math.min(pause * 2, LAST_LOOK_MS);
    }
  }
}

/**
 * The counter for a stream that answers `call`. grpc-js has no public way from a call to its connection; where its
 * insides are not as those of 1.14.7 there is no counter and nothing but grpc-js's own back-pressure.
 */
export function outboundOf(call: ServerCall): Outbound | undefined {
  const insides = call as { call?: { stream?: { session?: { socket?: CountingSocket } } } };
  const socket = insides.call?.stream?.session?.socket;
  return typeof socket?.bytesWritten === "number" ? new Outbound(socket) : undefined;
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
