// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { CloseCode } from "./session_end.ts";

/**
 * The frames of the agent link.
 *
 *     0        1        2                 4                                   8                                  12
 *     +--------+--------+-----------------+-----------------------------------+-----------------------------------+
 *     | type   | flags  | reserved, 0     | stream                            | payload length                    | payload …
 *     +--------+--------+-----------------+-----------------------------------+-----------------------------------+
 *
 * Big endian. Header and payload together are at most 64 KiB. Stream 0 is the session itself.
 */
export const HEADER_BYTES = 12;
export const MAX_FRAME_BYTES = 64 * 1024;
export const MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - HEADER_BYTES;

export const FrameType = {
  /** First frame of each side: versions and limits. */
  HELLO: 1,
  /** Begins a call: method, time left, and the request if it is small. */
  OPEN: 2,
  /** A message or a piece of one, either way. */
  DATA: 3,
  /** The callee's last frame on a stream: status, and the response if it is small. */
  END: 4,
  /** The caller's last frame on a stream when it does not finish sending: it wants no more. */
  CANCEL: 5,
  /** More bytes may be sent on this stream. */
  CREDIT: 6,
  /** So many message bytes of the session have arrived. */
  ACK: 7,
  PING: 8,
  PONG: 9,
  /** The session is over: why. */
  BYE: 10,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Flag = {
  /** The caller sends nothing more on this stream (OPEN, DATA). */
  LAST: 1,
  /** DATA: the payload completes a message. OPEN, END: a whole message stands at the end of the payload. */
  MESSAGE: 2,
} as const;

export interface Header {
  readonly type: FrameType;
  readonly flags: number;
  readonly stream: number;
  readonly length: number;
}

export interface Frame extends Header {
  /** A view into the received frame. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The peer did what no correct peer does. Ends the session with `closeCode`. */
export class FrameError extends Error {
  override readonly name = "FrameError";

  constructor(message: string, readonly closeCode: number = CloseCode.PROTOCOL_ERROR) {
    super(message);
  }
}

interface Shape {
  readonly name: string;
  readonly flags: number;
  readonly onStream: boolean;
  readonly min: number;
  readonly max: number;
}

const SHAPES: readonly (Shape | undefined)[] = [
  undefined,
  { name: "HELLO", flags: 0, onStream: false, min: 20, max: 256 },
  { name: "OPEN", flags: Flag.LAST | Flag.MESSAGE, onStream: true, min: 7, max: MAX_PAYLOAD_BYTES },
  { name: "DATA", flags: Flag.LAST | Flag.MESSAGE, onStream: true, min: 0, max: MAX_PAYLOAD_BYTES },
  { name: "END", flags: Flag.MESSAGE, onStream: true, min: 3, max: MAX_PAYLOAD_BYTES },
  { name: "CANCEL", flags: 0, onStream: true, min: 0, max: 0 },
  { name: "CREDIT", flags: 0, onStream: true, min: 4, max: 4 },
  { name: "ACK", flags: 0, onStream: false, min: 4, max: 4 },
  { name: "PING", flags: 0, onStream: false, min: 8, max: 8 },
  { name: "PONG", flags: 0, onStream: false, min: 8, max: 8 },
  { name: "BYE", flags: 0, onStream: false, min: 2, max: 1026 },
];

/** A frame with its header written and `length` zero bytes of payload to fill in. */
export function newFrame(
  type: FrameType,
  flags: number,
  stream: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + length);
  frame[0] = type;
  frame[1] = flags;
  writeU32(frame, 4, stream);
  writeU32(frame, 8, length);
  return frame;
}

/** Reads a header from the first 12 bytes of `bytes`. Throws {@linkcode FrameError} for anything but a possible frame. */
export function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < HEADER_BYTES) {
    throw new FrameError(`Frame of ${bytes.length} bytes is shorter than its header of ${HEADER_BYTES}`);
  }
  const [type = 0, flags = 0] = bytes;
  const shape = SHAPES[type];
  if (!shape) throw new FrameError(`Frame has unknown type ${type}`);
  if ((flags & ~shape.flags) !== 0) {
    throw new FrameError(`${shape.name} frame has unknown flags 0x${flags.toString(16)}`);
  }
  if (bytes[2] !== 0 || bytes[3] !== 0) throw new FrameError(`${shape.name} frame has reserved bits set`);
  const stream = readU32(bytes, 4);
  if (shape.onStream !== (stream !== 0)) throw new FrameError(`${shape.name} frame is on stream ${stream}`);
  const length = readU32(bytes, 8);
  if (length < shape.min || length > shape.max) {
    throw new FrameError(
      `${shape.name} frame claims a payload of ${length} bytes: allowed are ${shape.min} to ${shape.max}`,
    );
  }
  if (type === FrameType.DATA && length === 0 && flags === 0) {
    throw new FrameError("DATA frame carries nothing");
  }
  return { type: type as FrameType, flags, stream, length };
}

/** One message of a transport as a frame. The payload is a view, not a copy. Throws {@linkcode FrameError}. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>): Frame {
  const { type, flags, stream, length } = readHeader(bytes);
  if (bytes.length !== HEADER_BYTES + length) {
    throw new FrameError(
      `${SHAPES[type]!.name} frame claims a payload of ${length} bytes and has ${
        bytes.length - HEADER_BYTES
      }`,
    );
  }
  return { type, flags, stream, length, payload: bytes.subarray(HEADER_BYTES) };
}

/** For messages to people: `DATA`, `OPEN` … */
export function frameName(type: FrameType): string {
  return SHAPES[type]!.name;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
