// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** How a transport ended: a WebSocket close code (see {@linkcode CloseCode}) and a sentence for people. */
export interface TransportClose {
  readonly code: number;
  readonly reason: string;
}

/**
 * What carries the frames of one session: reliable, ordered, message by message. One frame is one message.
 *
 * A transport that receives a frame before `onframe` is set ends itself with a reason rather than lose the frame
 * (the in-memory pair keeps it). Both handlers are set by the `Session` when it is constructed.
 */
export interface Transport {
  /** Takes ownership of `frame`. Never throws and never blocks; does nothing once the transport is closed. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Bytes taken by `send` that have not left this process yet. */
  readonly bufferedBytes: number;
  /** Called once per frame, in order, never after `onclose` and never from within `send`. */
  onframe: ((frame: Uint8Array<ArrayBuffer>) => void) | null;
  /** Called exactly once, whoever closed. */
  onclose: ((why: TransportClose) => void) | null;
  /** Ends both directions. What was sent before is delivered if the peer still reads. No frame is delivered after it. */
  close(code: number, reason: string): void;
}
