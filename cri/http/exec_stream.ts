// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { byteStream } from "./byte_stream.ts";
import { errorDetail } from "./error_response.ts";
import { encodeExecFrame, type ExecFrame } from "./exec_frames.ts";

/** A running command as the body of an answer. A failure in the middle becomes the last frame. */
export function execStream(
  frames: (signal: AbortSignal) => AsyncIterable<ExecFrame>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return byteStream((signal) => encoded(frames(signal)));
}

async function* encoded(frames: AsyncIterable<ExecFrame>): AsyncGenerator<Uint8Array> {
  try {
    for await (const frame of frames) yield encodeExecFrame(frame);
  } catch (error) {
    yield encodeExecFrame({ kind: "error", error: errorDetail(error) });
  }
}
