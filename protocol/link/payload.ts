// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Code } from "../status.ts";
import type { Status } from "../status.ts";
import {
  Flag,
  FrameError,
  FrameType,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  newFrame,
  readU32,
  writeU32,
} from "./frame.ts";
import type { Frame } from "./frame.ts";
import { MAX_WINDOW, MIN_WINDOW } from "./limits.ts";

/** "INFR": what is not the agent link is told apart by its first frame. */
const MAGIC = 0x494e4652;
/** Bytes of a status message that cross the link; the rest is cut at a character. */
const MAX_STATUS_TEXT = 8192;
const MAX_METHOD_NAME = 512;
const MAX_BYE_TEXT = 1024;
/** Longest time that a timer can wait, in ms (2^31 - 1, about 24 days). */
export const MAX_TIMEOUT_MS = 0x7fff_ffff;
/** Longest message that travels inside OPEN or END rather than as DATA. */
export const MAX_INLINE_BYTES = 16 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NOTHING = new Uint8Array(0);

export interface Hello {
  readonly oldest: number;
  readonly newest: number;
  readonly maxStreams: number;
  readonly maxMessage: number;
  readonly window: number;
}

export function helloFrame(hello: Hello): Uint8Array<ArrayBuffer> {
  const frame = newFrame(FrameType.HELLO, 0, 0, 20);
  writeU32(frame, HEADER_BYTES, MAGIC);
  writeU32(frame, HEADER_BYTES + 4, ((hello.oldest << 16) | hello.newest) >>> 0);
  writeU32(frame, HEADER_BYTES + 8, hello.maxStreams);
  writeU32(frame, HEADER_BYTES + 12, hello.maxMessage);
  writeU32(frame, HEADER_BYTES + 16, hello.window);
  return frame;
}

/** Bytes behind the known fields belong to newer versions and are skipped. */
export function readHello({ payload }: Frame): Hello {
  if (readU32(payload, 0) !== MAGIC) throw new FrameError("HELLO frame is not of the agent link");
  const versions = readU32(payload, 4);
  const hello = {
    oldest: versions >>> 16,
    newest: versions & 0xffff,
    maxStreams: readU32(payload, 8),
    maxMessage: readU32(payload, 12),
    window: readU32(payload, 16),
  };
  if (hello.oldest > hello.newest) {
    throw new FrameError(`HELLO frame has versions ${hello.oldest} to ${hello.newest}`);
  }
  if (hello.window < MIN_WINDOW || hello.window > MAX_WINDOW) {
    throw new FrameError(`HELLO frame has a window of ${hello.window} bytes`);
  }
  return hello;
}

export interface Open {
  /** `package.Service/Method` in UTF-8. */
  readonly method: Uint8Array;
  /** 0 = no deadline. */
  readonly timeoutMs: number;
  readonly message: Uint8Array | undefined;
  readonly last: boolean;
}

export function openFrame(stream: number, open: Open): Uint8Array<ArrayBuffer> {
  const { method, timeoutMs, message = NOTHING } = open;
  const flags = (open.last ? Flag.LAST : 0) | (open.message ? Flag.MESSAGE : 0);
  const frame = newFrame(FrameType.OPEN, flags, stream, 6 + method.length + message.length);
  writeU32(frame, HEADER_BYTES, timeoutMs);
  frame[HEADER_BYTES + 4] = method.length >>> 8;
  frame[HEADER_BYTES + 5] = method.length;
  frame.set(method, HEADER_BYTES + 6);
  frame.set(message, HEADER_BYTES + 6 + method.length);
  return frame;
}

export interface ReceivedOpen {
  readonly method: string;
  readonly timeoutMs: number;
  readonly message: Uint8Array<ArrayBuffer> | undefined;
  readonly last: boolean;
}

export function readOpen({ flags, payload }: Frame): ReceivedOpen {
  const timeoutMs = readU32(payload, 0);
  if (timeoutMs > MAX_TIMEOUT_MS) throw new FrameError(`OPEN frame has a timeout of ${timeoutMs} ms`);
  const length = (payload[4]! << 8) | payload[5]!;
  if (length === 0 || length > MAX_METHOD_NAME || 6 + length > payload.length) {
    throw new FrameError(`OPEN frame claims a method name of ${length} bytes`);
  }
  const method = decodeText(payload.subarray(6, 6 + length), "OPEN");
  const message = trailingMessage(flags, payload, 6 + length, "OPEN");
  return { method, timeoutMs, message, last: (flags & Flag.LAST) !== 0 };
}

export function endFrame(stream: number, status: Status, message?: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = status.message === "" ? NOTHING : encodeText(status.message, MAX_STATUS_TEXT);
  const rest = message ?? NOTHING;
  const frame = newFrame(FrameType.END, message ? Flag.MESSAGE : 0, stream, 3 + text.length + rest.length);
  frame[HEADER_BYTES] = status.code;
  frame[HEADER_BYTES + 1] = text.length >>> 8;
  frame[HEADER_BYTES + 2] = text.length;
  frame.set(text, HEADER_BYTES + 3);
  frame.set(rest, HEADER_BYTES + 3 + text.length);
  return frame;
}

export interface ReceivedEnd extends Status {
  /** `message` is the status text of {@linkcode Status}; this is the response. */
  readonly response: Uint8Array<ArrayBuffer> | undefined;
}

export function readEnd({ flags, payload }: Frame): ReceivedEnd {
  const code = payload[0]!;
  if (code > Code.UNAUTHENTICATED) throw new FrameError(`END frame has unknown status code ${code}`);
  const length = (payload[1]! << 8) | payload[2]!;
  if (length > MAX_STATUS_TEXT || 3 + length > payload.length) {
    throw new FrameError(`END frame claims a status text of ${length} bytes`);
  }
  const message = length === 0 ? "" : decodeText(payload.subarray(3, 3 + length), "END");
  const response = trailingMessage(flags, payload, 3 + length, "END");
  if (response && code !== Code.OK) throw new FrameError("END frame has both an error and a response");
  return { code: code as Code, message, response };
}

export interface Bye {
  readonly code: number;
  readonly reason: string;
}

export function byeFrame({ code, reason }: Bye): Uint8Array<ArrayBuffer> {
  const text = encodeText(reason, MAX_BYE_TEXT);
  const frame = newFrame(FrameType.BYE, 0, 0, 2 + text.length);
  frame[HEADER_BYTES] = code >>> 8;
  frame[HEADER_BYTES + 1] = code;
  frame.set(text, HEADER_BYTES + 2);
  return frame;
}

export function readBye({ payload }: Frame): Bye {
  return { code: (payload[0]! << 8) | payload[1]!, reason: decodeText(payload.subarray(2), "BYE") };
}

/** CREDIT or ACK. */
export function amountFrame(
  type: typeof FrameType.CREDIT | typeof FrameType.ACK,
  stream: number,
  amount: number,
) {
  const frame = newFrame(type, 0, stream, 4);
  writeU32(frame, HEADER_BYTES, amount);
  return frame;
}

export function pingFrame(sequence: number): Uint8Array<ArrayBuffer> {
  const frame = newFrame(FrameType.PING, 0, 0, 8);
  writeU32(frame, HEADER_BYTES + 4, sequence);
  return frame;
}

/** Gives a ping's payload back. */
export function pongFrame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = newFrame(FrameType.PONG, 0, 0, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** A piece of a message: `bytes` is copied into the frame. */
export function dataFrame(
  stream: number,
  flags: number,
  bytes: Uint8Array = NOTHING,
): Uint8Array<ArrayBuffer> {
  const frame = newFrame(FrameType.DATA, flags, stream, bytes.length);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Encodes `package.Service/Method`. Throws RangeError for a name that no OPEN frame can carry. */
export function encodeMethodName(name: string): Uint8Array {
  const bytes = encoder.encode(name);
  if (bytes.length > MAX_METHOD_NAME) {
    throw new RangeError(
      `Method name ${name} is ${bytes.length} bytes long: must be at most ${MAX_METHOD_NAME}`,
    );
  }
  return bytes;
}

function trailingMessage(flags: number, payload: Uint8Array<ArrayBuffer>, at: number, frame: string) {
  if ((flags & Flag.MESSAGE) !== 0) return payload.subarray(at);
  if (at !== payload.length) {
    throw new FrameError(`${frame} frame has ${payload.length - at} bytes that belong to nothing`);
  }
  return undefined;
}

/** UTF-8 of at most `max` bytes. `encodeInto` stops before a character that does not fit. */
function encodeText(text: string, max: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(max, text.length * 3, MAX_PAYLOAD_BYTES));
  return bytes.subarray(0, encoder.encodeInto(text, bytes).written);
}

function decodeText(bytes: Uint8Array, frame: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new FrameError(`${frame} frame has text that is not UTF-8`);
  }
}
