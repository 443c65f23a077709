// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** No event and no command is longer; a peer that sends more is not ours. */
const MAX_LINE = 64 * 1024;

/** The lines of a byte stream as texts, without their newlines. What follows the last newline is dropped. */
export async function* splitLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw new RangeError(`Line is longer than ${MAX_LINE} characters`);
    yield* lines;
  }
}
