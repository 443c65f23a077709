// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { frameCost } from "./flow.ts";
import type { SendWindow } from "./flow.ts";
import { Flag } from "./frame.ts";
import { dataFrame } from "./payload.ts";

/** A frame that carries message bytes, and its cost. */
export interface BulkFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly cost: number;
}

/** Where an {@linkcode Outbox} queues up for its turn. */
export interface BulkQueue {
  add(outbox: Outbox): void;
  remove(outbox: Outbox): void;
}

/** The sending half of a stream: holds at most one message, cut into frames as credit and the scheduler allow. */
export class Outbox {
  readonly #stream: number;
  readonly #window: SendWindow;
  readonly #queue: BulkQueue;
  #message: Uint8Array | null = null;
  #at = 0;
  #waiting: PromiseWithResolvers<void> | null = null;
  #error: Error | null = null;

  constructor(stream: number, window: SendWindow, queue: BulkQueue) {
    this.#stream = stream;
    this.#window = window;
    this.#queue = queue;
  }

  /**
   * Sends one message. Returns undefined if all of it is with the transport already, else a promise that resolves when
   * it is, or rejects with the error given to {@linkcode Outbox.fail}. One message at a time.
   */
  write(message: Uint8Array): Promise<void> | undefined {
    if (this.#error) return Promise.reject(this.#error);
    if (this.#message) throw new Error("Cannot write a message: the previous one is not sent yet");
    this.#message = message;
    this.#at = 0;
    this.#queue.add(this);
    if (this.#message === null) return undefined;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Drops what is not sent yet. The first error counts. */
  fail(error: Error): void {
    if (this.#error) return;
    this.#error = error;
    this.#message = null;
    this.#queue.remove(this);
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  grant(amount: number): void {
    this.#window.grant(amount);
    if (this.#message) this.#queue.add(this);
  }

  /** Payload bytes of the next frame, or -1 while there is nothing to send or no credit for it. */
  nextSize(): number {
    return this.#message === null ? -1 : this.#window.fragment(this.#message.length - this.#at);
  }

  /** The next frame, of `size` = {@linkcode Outbox.nextSize} payload bytes. */
  nextFrame(size: number): BulkFrame {
    const message = this.#message!;
    const piece = message.subarray(this.#at, this.#at + size);
    this.#at += size;
    const complete = this.#at === message.length;
    const cost = frameCost(size);
    this.#window.spend(cost);
    const frame = dataFrame(this.#stream, complete ? Flag.MESSAGE : 0, piece);
    if (complete) this.#done();
    return { frame, cost };
  }

  #done(): void {
    this.#message = null;
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
