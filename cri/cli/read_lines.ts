// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The lines of a stream of bytes, without their ends, as they come. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let pending = "";
  for await (
    const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    const lines = (pending + text).split("\n");
    pending = lines.pop()!;
    yield* lines;
  }
  if (pending) yield pending;
}
