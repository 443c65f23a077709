// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ErrorDetail } from "./api.ts";

/**
 * The answer of an exec: frames of one byte kind, four bytes length (big-endian), payload. The last one is `exit` or
 * `error`; a stream that ends without either was cut.
 */
export type ExecFrame =
  | { readonly kind: "stdout"; readonly data: Uint8Array }
  | { readonly kind: "stderr"; readonly data: Uint8Array }
  | { readonly kind: "exit"; readonly exitCode: number }
  | { readonly kind: "error"; readonly error: ErrorDetail };

export const EXEC_CONTENT_TYPE = "application/vnd.infranetes.exec";

const KINDS = ["stdout", "stderr", "exit", "error"] as const;
const HEADER_BYTES = 5;
/** Far above the 64 KiB chunks that are sent: what is longer is no frame. */
const MAX_PAYLOAD_BYTES = 1 << 20;

export function encodeExecFrame(frame: ExecFrame): Uint8Array<ArrayBuffer> {
  const payload = payloadOf(frame);
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  bytes[0] = KINDS.indexOf(frame.kind) + 1;
  new DataView(bytes.buffer).setUint32(1, payload.byteLength);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function payloadOf(frame: ExecFrame): Uint8Array {
  if (frame.kind === "stdout" || frame.kind === "stderr") return frame.data;
  const value = frame.kind === "exit" ? { exitCode: frame.exitCode } : frame.error;
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads frames from chunks that are cut anywhere.
 *
 * @throws {TypeError} for bytes that are no frames and for a stream that ends inside one
 */
export async function* decodeExecFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ExecFrame> {
  let pending = new Uint8Array();
  for await (const chunk of chunks) {
    pending = joined(pending, chunk);
    for (;;) {
      const length = frameLength(pending);
      if (length === undefined || pending.byteLength < length) break;
      yield decodeFrame(pending.subarray(0, length));
      pending = pending.slice(length);
    }
  }
  if (pending.byteLength > 0) throw new TypeError("The exec stream ended inside a frame");
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}

function frameLength(bytes: Uint8Array): number | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const payload = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bytes[0]! < 1 || bytes[0]! > KINDS.length || payload > MAX_PAYLOAD_BYTES) {
    throw new TypeError(
      `The exec stream holds something that is no frame (kind ${bytes[0]}, ${payload} bytes)`,
    );
  }
  return HEADER_BYTES + payload;
}

function decodeFrame(bytes: Uint8Array): ExecFrame {
  const kind = KINDS[bytes[0]! - 1]!;
  const payload = bytes.subarray(HEADER_BYTES);
  if (kind === "stdout" || kind === "stderr") return { kind, data: payload };
  const value = JSON.parse(new TextDecoder().decode(payload));
  return kind === "exit" ? { kind, exitCode: Number(value.exitCode) } : { kind, error: value };
}
