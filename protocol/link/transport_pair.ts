// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers";
import type { Transport, TransportClose } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Frames delivered in a row before timers and sockets get a turn. */
const BURST = 64;

/**
 * Two transports in memory, each the other's peer: for tests and for VMs that live in this process. Frames arrive in
 * order and always later, never from within `send`; what comes before `onframe` is set waits.
 */
export function transportPair(): [Transport, Transport] {
  const a = new MemoryTransport();
  const b = new MemoryTransport();
  a.connect(b);
  b.connect(a);
  return [a, b];
}

class MemoryTransport implements Transport {
  #peer: MemoryTransport = this;
  #onframe: Transport["onframe"] = null;
  #onclose: Transport["onclose"] = null;
  #arrived: Bytes[] = [];
  #arrivedBytes = 0;
  #end: TransportClose | null = null;
  /** Closed by this side: nothing is delivered any more. */
  #closed = false;
  #scheduled = false;
  #burst = 0;

  connect(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  get bufferedBytes(): number {
    return this.#peer.#arrivedBytes;
  }

  get onframe(): Transport["onframe"] {
    return this.#onframe;
  }

  set onframe(handler: Transport["onframe"]) {
    this.#onframe = handler;
    this.#schedule();
  }

  get onclose(): Transport["onclose"] {
    return this.#onclose;
  }

  set onclose(handler: Transport["onclose"]) {
    this.#onclose = handler;
    this.#schedule();
  }

  send(frame: Bytes): void {
    if (this.#end) return;
    this.#peer.#take(frame);
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    const why = { code, reason };
    this.#ended(why);
    this.#peer.#ended(why);
  }

  #take(frame: Bytes): void {
    if (this.#closed) return;
    this.#arrived.push(frame);
    this.#arrivedBytes += frame.length;
    this.#schedule();
  }

  #ended(why: TransportClose): void {
    this.#end ??= why;
    this.#schedule();
  }

  /** Microtasks are fast but let nothing else run, so every so often a turn of the event loop goes by. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#burst < BURST) return queueMicrotask(() => this.#deliver());
    this.#burst = 0;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (!this.#onframe) return;
    const frame = this.#arrived.shift();
    if (frame) {
      this.#arrivedBytes -= frame.length;
      this.#burst += 1;
      if (this.#arrived.length > 0 || this.#end) this.#schedule();
      return this.#onframe(frame);
    }
    const { onclose } = this;
    if (!this.#end || !onclose) return;
    this.#onclose = null;
    onclose(this.#end);
  }
}
