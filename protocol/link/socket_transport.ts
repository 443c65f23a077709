// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { CloseCode } from "./session_end.ts";
import type { Transport, TransportClose } from "./transport.ts";

/** Bytes held for a session that is not there yet. */
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * What transports over a socket have in common: frames and the end reach the session in order, once, and not before it
 * listens. Between the connection and `new Session` frames are held, up to 1 MiB.
 */
export abstract class SocketTransport implements Transport {
  #onframe: Transport["onframe"] = null;
  #onclose: Transport["onclose"] = null;
  #held: Uint8Array<ArrayBuffer>[] = [];
  #heldBytes = 0;
  #end: TransportClose | null = null;
  #closing = false;
  readonly #closed = Promise.withResolvers<TransportClose>();

  /** Resolves when the socket is gone, whoever closed. */
  readonly closed: Promise<TransportClose> = this.#closed.promise;

  abstract readonly bufferedBytes: number;
  /** Called once, only while the socket is not known to be gone. */
  protected abstract shutDown(code: number, reason: string): void;
  /** Called only before {@linkcode SocketTransport.close}. */
  protected abstract transmit(frame: Uint8Array<ArrayBuffer>): void;

  get onframe(): Transport["onframe"] {
    return this.#onframe;
  }

  set onframe(handler: Transport["onframe"]) {
    this.#onframe = handler;
    // Later, because the session that sets this is still under construction.
    queueMicrotask(() => this.#release());
  }

  get onclose(): Transport["onclose"] {
    return this.#onclose;
  }

  set onclose(handler: Transport["onclose"]) {
    this.#onclose = handler;
    queueMicrotask(() => this.#tellEnd());
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#closing) this.transmit(frame);
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#drop();
    this.shutDown(code, reason);
  }

  /** To be called for each message from the socket. */
  protected received(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#closing) return;
    if (this.#onframe && this.#held.length === 0) return this.#onframe(frame);
    this.#held.push(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.refuse("Peer sent too much before the session began");
  }

  /** To be called when the peer does what no agent link does: the session ends with this reason. */
  protected refuse(reason: string): void {
    const why = { code: CloseCode.PROTOCOL_ERROR, reason };
    this.#end ??= why;
    this.close(why.code, reason);
    this.#tellEnd();
  }

  /** To be called once, when the socket is gone. */
  protected ended(why: TransportClose): void {
    this.#closing = true;
    this.#end ??= why;
    this.#closed.resolve(this.#end);
    if (this.#held.length === 0) this.#tellEnd();
  }

  #release(): void {
    const held = this.#held;
    while (held.length > 0 && this.#onframe) {
      const frame = held[0]!;
      this.#onframe(frame);
      // A handler may close the transport, which empties the list.
      if (held[0] === frame) held.shift();
    }
    this.#heldBytes = 0;
    this.#tellEnd();
  }

  #drop(): void {
    this.#held.length = 0;
    this.#heldBytes = 0;
  }

  #tellEnd(): void {
    if (!this.#end || !this.#onclose || this.#held.length > 0) return;
    const { onclose } = this;
    this.#onclose = null;
    onclose!(this.#end);
  }
}

/** A close frame has room for 123 bytes of reason (RFC 6455 §5.5). Cut at a character. */
export function closeReason(reason: string): string {
  const bytes = new Uint8Array(123);
  const { written } = new TextEncoder().encodeInto(reason, bytes);
  return new TextDecoder().decode(bytes.subarray(0, written));
}
