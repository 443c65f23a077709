// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * A body from chunks that come with time. Asks for the next chunk only when the peer took the one before, and ends the
 * source when the peer is gone.
 */
export function byteStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    async cancel() {
      await iterator.return?.();
    },
  }, { highWaterMark: 0 });
}
