// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * A body from chunks that come with time. The source is asked for its next chunk only when the peer took the one before;
 * its signal fires when the peer is gone. (A request's own signal fires at the normal end too, in Deno 2.9.)
 */
export function byteStream(
  source: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const gone = new AbortController();
  const iterator = source(gone.signal)[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    cancel() {
      gone.abort(new DOMException("The client is gone", "AbortError"));
      // Not awaited: the source may be in the middle of a step, which the signal ends.
      iterator.return?.().catch(() => {});
    },
  }, { highWaterMark: 0 });
}
