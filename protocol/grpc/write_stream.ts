// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Writable } from "node:stream";

/**
 * Writes each of `items` to `stream`, the next one only when the stream takes more. Throws the signal's reason once it
 * has fired, the iterable's error if that fails; the iterable is closed in either case. Does not end the stream.
 * `room` is waited for too after each item: it is for back-pressure that the stream itself does not show.
 */
export async function writeStream<T>(
  items: AsyncIterable<T>,
  stream: Pick<Writable, "write" | "once" | "off">,
  signal: AbortSignal,
  room: (item: T) => Promise<void> | undefined = () => undefined,
): Promise<void> {
  for await (const item of items) {
    signal.throwIfAborted();
    if (!stream.write(item)) await drained(stream, signal);
    await room(item);
  }
  signal.throwIfAborted();
}

/** Waits for room. A stream whose peer is gone never has any: only the signal tells. */
function drained(stream: Pick<Writable, "once" | "off">, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = () => {
      stream.off("drain", onDrain);
      reject(signal.reason);
    };
    stream.once("drain", onDrain);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
