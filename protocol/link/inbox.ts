// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Budget } from "./flow.ts";
import { frameCost, heldCost, ReceiveWindow } from "./flow.ts";
import { FrameError } from "./frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What an {@linkcode Inbox} needs from its session. */
export interface InboxOptions {
  readonly window: number;
  readonly maxMessage: number;
  readonly budget: Budget;
  /** Gives credit back to the peer. */
  readonly grant: (amount: number) => void;
  /** Counts what came, kept or not, towards the session's acknowledgement. */
  readonly arrived: (cost: number) => void;
}

interface Arrived {
  readonly message: Bytes;
  /** Held in the session's budget until the consumer asks for the next message. */
  readonly charge: number;
  /** Still to be given back to the peer when the consumer takes the message. */
  readonly credit: number;
}

/**
 * The receiving half of a stream: puts messages together, hands them to one consumer, and gives credit back as the
 * consumer takes them.
 *
 * Memory: at most the window in finished messages plus one unfinished message of at most `maxMessage`. Credit for
 * pieces of an unfinished message is given back at once only while nothing is queued before it: a message may be larger
 * than the window, but a consumer that does not read is owed no more than that one.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #window: ReceiveWindow;
  readonly #queue: Arrived[] = [];
  #waiting: PromiseWithResolvers<Bytes | undefined>[] = [];
  #parts: Bytes[] = [];
  #partBytes = 0;
  #partCharge = 0;
  #partCredit = 0;
  #heldCharge = 0;
  #dropping = false;
  #end: { error: Error | undefined } | null = null;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#window = new ReceiveWindow(options.window);
  }

  /**
   * Takes a piece of a message. Returns false if the session's budget is spent: nothing was kept and the stream must be
   * ended. Throws {@linkcode FrameError} when the peer exceeds its credit or the largest message.
   */
  accept(payload: Bytes, complete: boolean): boolean {
    const cost = frameCost(payload.length);
    this.#window.spend(cost);
    this.#options.arrived(cost);
    if (this.#dropping) return true;
    if (this.#partBytes + payload.length > this.#options.maxMessage) {
      throw new FrameError(`Peer sent a message of more than ${this.#options.maxMessage} bytes`);
    }
    const charge = heldCost(payload.length);
    if (!this.#options.budget.take(charge)) return false;
    this.#parts.push(compact(payload));
    this.#partBytes += payload.length;
    this.#partCharge += charge;
    this.#partCredit += cost;
    if (complete) this.#deliver();
    else if (this.#queue.length === 0) this.#returnPartCredit();
    return true;
  }

  /**
   * The next message in order, undefined after the last one. Rejects with the stream's error once the messages before
   * it are taken. The memory of a message counts until the next call that does not `keep`, or {@linkcode Inbox.drop}.
   */
  take(keep = false): Promise<Bytes | undefined> {
    if (!keep) this.#releaseHeld();
    const next = this.#queue.shift();
    if (next) return Promise.resolve(this.#handOver(next));
    if (this.#end?.error) return Promise.reject(this.#end.error);
    if (this.#end) return Promise.resolve(undefined);
    const waiting = Promise.withResolvers<Bytes | undefined>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** The peer sends no more. Throws {@linkcode FrameError} in the middle of a message. */
  finish(): void {
    if (this.#partBytes > 0 || this.#parts.length > 0) {
      throw new FrameError("Stream ends in the middle of a message");
    }
    this.#settle(undefined);
  }

  /** Ends with `error` after the messages already here. An unfinished message is dropped. */
  fail(error: Error): void {
    this.#dropParts();
    this.#settle(error);
  }

  /** Frees everything. What still comes is checked against the credit and dropped, and no credit is given for it. */
  drop(error: Error | undefined): void {
    this.#dropping = true;
    this.#dropParts();
    this.#releaseHeld();
    for (const { charge } of this.#queue) this.#options.budget.give(charge);
    this.#queue.length = 0;
    this.#settle(error);
  }

  #deliver(): void {
    const message = this.#parts.length === 1 ? this.#parts[0]! : concat(this.#parts, this.#partBytes);
    const arrived = { message, charge: this.#partCharge, credit: this.#partCredit };
    this.#clearParts();
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(this.#handOver(arrived));
    else this.#queue.push(arrived);
  }

  #handOver({ message, charge, credit }: Arrived): Bytes {
    this.#heldCharge += charge;
    this.#grant(credit);
    if (this.#queue.length === 0) this.#returnPartCredit();
    return message;
  }

  #returnPartCredit(): void {
    const credit = this.#partCredit;
    this.#partCredit = 0;
    this.#grant(credit);
  }

  /** Once the peer has finished there is nothing left to give credit for. */
  #grant(credit: number): void {
    if (credit === 0 || this.#end) return;
    const amount = this.#window.giveBack(credit);
    if (amount > 0) this.#options.grant(amount);
  }

  #settle(error: Error | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    for (const waiting of this.#waiting) {
      if (error) waiting.reject(error);
      else waiting.resolve(undefined);
    }
    this.#waiting = [];
  }

  #dropParts(): void {
    this.#options.budget.give(this.#partCharge);
    this.#clearParts();
  }

  #clearParts(): void {
    this.#parts = [];
    this.#partBytes = 0;
    this.#partCharge = 0;
    this.#partCredit = 0;
  }

  #releaseHeld(): void {
    this.#options.budget.give(this.#heldCharge);
    this.#heldCharge = 0;
  }
}

/**
 * A transport may hand out a small view into a large read buffer (npm ws does), and keeping the view keeps the buffer:
 * a peer could make 1 byte cost 64 KiB. Such views are copied.
 */
function compact(payload: Bytes): Bytes {
  return payload.buffer.byteLength > 2 * payload.length + 1024 ? new Uint8Array(payload) : payload;
}

function concat(parts: readonly Bytes[], length: number): Bytes {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
