// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Transport, TransportClose } from "../../protocol/link/transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * A transport that can fall silent both ways without being closed: a hung VM, a cut cable. What is sent meanwhile is
 * held, and delivered in order when the gate opens again; `bufferedBytes` counts it, so that the session's own bound holds.
 */
export class Gate implements Transport {
  readonly #inner: Transport;
  #open = true;
  #outbound: Bytes[] = [];
  #inbound: Bytes[] = [];
  #heldBytes = 0;
  #end: TransportClose | undefined;
  #onframe: Transport["onframe"] = null;
  #onclose: Transport["onclose"] = null;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes + this.#heldBytes;
  }

  get onframe(): Transport["onframe"] {
    return this.#onframe;
  }

  set onframe(handler: Transport["onframe"]) {
    this.#onframe = handler;
    this.#inner.onframe = (frame) => {
      if (this.#open) this.#onframe?.(frame);
      else this.#inbound.push(frame);
    };
  }

  get onclose(): Transport["onclose"] {
    return this.#onclose;
  }

  set onclose(handler: Transport["onclose"]) {
    this.#onclose = handler;
    this.#inner.onclose = (why) => {
      if (this.#open) this.#onclose?.(why);
      else this.#end = why;
    };
  }

  send(frame: Bytes): void {
    if (this.#open) return this.#inner.send(frame);
    this.#outbound.push(frame);
    this.#heldBytes += frame.length;
  }

  close(code: number, reason: string): void {
    if (this.#open) this.#inner.close(code, reason);
    else this.#end ??= { code, reason };
  }

  /** From now on nothing passes. */
  shut(): void {
    this.#open = false;
  }

  /** Delivers what was held and lets everything pass again. */
  reopen(): void {
    if (this.#open) return;
    this.#open = true;
    this.#heldBytes = 0;
    for (const frame of this.#outbound.splice(0)) this.#inner.send(frame);
    for (const frame of this.#inbound.splice(0)) this.#onframe?.(frame);
    if (!this.#end) return;
    this.#inner.close(this.#end.code, this.#end.reason);
    this.#onclose?.(this.#end);
  }
}
