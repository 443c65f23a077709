// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers";
import type { ServerOptions, WebSocket } from "ws";
import { MAX_FRAME_BYTES } from "./frame.ts";
import { CloseCode } from "./session_end.ts";
import { closeReason, SocketTransport } from "./socket_transport.ts";
import type { TransportClose } from "./transport.ts";

export interface WebSocketServerTransportOptions {
  /** How long a peer may take to answer a close frame, in ms. Its frames are dropped meanwhile. @default 1000 */
  readonly closeGraceMs?: number | undefined;
}

/**
 * Options that every `WebSocketServer` for the agent link must have: no message larger than a frame, no compression, and
 * no automatic pongs, which a peer that never reads could make pile up. `maxFragments` and `maxBufferedChunks` bound what
 * a message that comes in pieces costs, since each piece is a buffer of its own.
 */
export const LINK_SERVER_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: 16,
  maxBufferedChunks: 256,
} as const satisfies ServerOptions & { maxFragments: number; maxBufferedChunks: number };

/** The node's end of an agent link over npm `ws`. Must be made in the turn in which the socket was upgraded. */
export class WebSocketServerTransport extends SocketTransport {
  readonly #socket: WebSocket;
  readonly #closeGraceMs: number;
  #error = "";
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #nudgeDue = false;

  constructor(socket: WebSocket, options: WebSocketServerTransportOptions = {}) {
    super();
    this.#socket = socket;
    this.#closeGraceMs = options.closeGraceMs ?? 1000;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#nudge();
      if (isBinary) this.received(plainBytes(data));
      else this.refuse("Peer sent a text message");
    });
    socket.on("ping", () => this.refuse("Peer sent a WebSocket ping: the session has its own"));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#error = error.message;
      // ws answers a broken WebSocket frame with a close frame and would then wait 30 s for the peer to close.
      if (error.code?.startsWith("WS_ERR_")) {
        this.refuse(`Peer broke the WebSocket protocol: ${error.message}`);
      }
    });
    socket.on("close", (code: number, reason: Buffer) => {
      clearTimeout(this.#graceTimer);
      this.ended(this.#closeOf(code, reason.toString()));
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  protected override transmit(frame: Uint8Array<ArrayBuffer>): void {
    this.#nudgeDue = false;
    // A failed write is followed by "close".
    this.#socket.send(frame, { binary: true, compress: false });
  }

  protected override shutDown(code: number, reason: string): void {
    this.#socket.close(code, closeReason(reason));
    this.#graceTimer = setTimeout(() => this.#socket.terminate(), this.#closeGraceMs);
  }

  /**
   * Answers a message that has no other answer in this turn with an empty pong, which the peer's WebSocket ignores.
   *
   * Deno's client leaves Nagle's algorithm on (hyper's connector sets TCP_NODELAY to 0; seen in 2.9.2 with strace on
   * 2026-11-21, denoland/deno#35581): its second small write waits until the first is acknowledged, and an
   * acknowledgement that has no data to ride on waits 40 ms.
   */
  #nudge(): void {
    if (this.#nudgeDue) return;
    this.#nudgeDue = true;
    setImmediate(() => {
      if (!this.#nudgeDue) return;
      this.#nudgeDue = false;
      const { readyState, OPEN, bufferedAmount } = this.#socket;
      if (readyState === OPEN && bufferedAmount === 0) this.#socket.pong();
    });
  }

  #closeOf(code: number, reason: string): TransportClose {
    if (code >= 3000) return { code, reason };
    return {
      code: CloseCode.LOST,
      reason: reason || this.#error || `Connection was closed (WebSocket code ${code})`,
    };
  }
}

/** A Buffer's `slice` does not copy as an array's does, so none gets past here. */
function plainBytes(data: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
}
