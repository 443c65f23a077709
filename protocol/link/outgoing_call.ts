// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Code, RpcError } from "../status.ts";
import type { CallHost, PeerLimits } from "./call_host.ts";
import { CALL_IS_OVER } from "./call_over.ts";
import { abortError, checkTimeout } from "./call_options.ts";
import type { CallOptions } from "./call_options.ts";
import { frameCost, SendWindow } from "./flow.ts";
import { Flag, FrameError, FrameType, newFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { amountFrame, dataFrame, MAX_INLINE_BYTES, openFrame, readEnd } from "./payload.ts";

/** The session's side of an {@linkcode OutgoingCall}. */
export interface CallerHost extends CallHost {
  /** Calls `begin` when the peer's limits are known, or `fail`. */
  start(call: OutgoingCall): void;
  /** The stream is over on both sides, or was never opened. */
  release(call: OutgoingCall): void;
}

/**
 *     waiting --begin--> open --END came--> done
 *        |                 |
 *        +--fail--> done   +--fail (CANCEL sent)--> cancelled --END came--> done
 *
 * `cancelled` keeps the stream's id in use until the callee has confirmed, so that both ends count alike and a peer
 * that cancels at once cannot have more handlers running than streams.
 */
type State = "waiting" | "open" | "cancelled" | "done";

/** A call made by this side. */
export class OutgoingCall {
  readonly inbox: Inbox;
  /** Stream id, 0 before the call is open. */
  id = 0;
  readonly #host: CallerHost;
  readonly #method: Uint8Array;
  readonly #request: Uint8Array | undefined;
  readonly #timeoutMs: number;
  readonly #createdAt: number;
  readonly #signal: AbortSignal | undefined;
  readonly #begun = Promise.withResolvers<void>();
  #state: State = "waiting";
  #outbox: Outbox | null = null;
  #maxMessage = 0;
  #sentLast = false;
  #onSettled: (() => void) | null = null;
  #cancelTimer: (() => void) | null = null;

  /**
   * Starts the call. `request` is the only request message; without it the caller writes requests and then finishes.
   * Never throws but RangeError for an impossible timeout: a call that cannot be made fails through its inbox.
   */
  constructor(host: CallerHost, method: Uint8Array, request: Uint8Array | undefined, options: CallOptions) {
    this.#timeoutMs = checkTimeout(options.timeoutMs);
    this.#host = host;
    this.#method = method;
    this.#request = request;
    this.#signal = options.signal;
    this.#createdAt = host.clock.elapsed();
    // Nobody waits for it in a call with one request.
    this.#begun.promise.catch(() => {});
    this.inbox = new Inbox({
      window: host.limits.window,
      maxMessage: host.limits.maxMessage,
      budget: host.budget,
      grant: (amount) => host.sendControl(amountFrame(FrameType.CREDIT, this.id, amount)),
      arrived: (cost) => host.arrived(cost),
    });
    this.#arm(options);
  }

  get settled(): boolean {
    return this.#state === "cancelled" || this.#state === "done";
  }

  /** Called once when no request is wanted any more. */
  set onSettled(run: () => void) {
    if (this.settled) run();
    else this.#onSettled = run;
  }

  #arm({ signal, timeoutMs }: CallOptions): void {
    if (signal?.aborted) return this.fail(abortError(signal.reason));
    if (timeoutMs !== undefined && timeoutMs <= 0) {
      return this.fail(new RpcError(Code.DEADLINE_EXCEEDED, "Call was made after its deadline"));
    }
    signal?.addEventListener("abort", this.#onAbort);
    if (this.#timeoutMs > 0) {
      this.#cancelTimer = this.#host.clock.after(this.#timeoutMs, () => this.#expire());
    }
    this.#host.start(this);
  }

  readonly #onAbort = () => this.fail(abortError(this.#signal?.reason));

  #expire(): void {
    this.fail(new RpcError(Code.DEADLINE_EXCEEDED, `Call was not answered within ${this.#timeoutMs} ms`));
  }

  /** To be called by the session: sends OPEN on stream `id`. */
  begin(id: number, peer: PeerLimits): void {
    this.id = id;
    this.#maxMessage = peer.maxMessage;
    const message = this.#request;
    const tooLarge = message && this.#sizeError(message);
    if (tooLarge) return this.fail(tooLarge);
    this.#state = "open";
    this.#outbox = new Outbox(id, new SendWindow(peer.window), this.#host.bulk);
    if (message && message.length <= MAX_INLINE_BYTES && frameCost(message.length) <= peer.window) {
      this.#sentLast = true;
      this.#host.sendInline(this.#openFrame(message), frameCost(message.length));
    } else {
      this.#host.sendControl(this.#openFrame(undefined));
      if (message) this.#sendLarge(message);
    }
    this.#begun.resolve();
  }

  #openFrame(message: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
    const timeoutMs = this.#remainingMs();
    return openFrame(this.id, { method: this.#method, timeoutMs, message, last: message !== undefined });
  }

  #sizeError(message: Uint8Array): RpcError | undefined {
    if (message.length <= this.#maxMessage) return undefined;
    return new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `Request of ${message.length} bytes is larger than the ${this.#maxMessage} that the peer accepts`,
    );
  }

  #remainingMs(): number {
    if (this.#timeoutMs === 0) return 0;
    return Math.max(1, Math.ceil(this.#timeoutMs - (this.#host.clock.elapsed() - this.#createdAt)));
  }

  #sendLarge(message: Uint8Array): void {
    const sent = this.#outbox!.write(message);
    if (!sent) return this.finish();
    // The outbox fails only together with the call, and then the inbox knows.
    sent.then(() => this.finish(), () => {});
  }

  /** Sends one request message; resolves when it is with the transport. Rejects when the call is over. */
  async write(message: Uint8Array): Promise<void> {
    await this.#begun.promise;
    const tooLarge = this.#sizeError(message);
    if (tooLarge) throw tooLarge;
    await this.#outbox!.write(message);
  }

  /** No more requests follow. */
  finish(): void {
    if (this.#state !== "open" || this.#sentLast) return;
    this.#sentLast = true;
    this.#host.sendControl(dataFrame(this.id, Flag.LAST));
  }

  /** Ends the call on this side: the inbox fails at once, and the callee is told. Does nothing if the call is over. */
  fail(error: RpcError): void {
    if (this.settled) return;
    const opened = this.#state === "open";
    this.#settle(opened ? "cancelled" : "done", error);
    this.inbox.drop(error);
    if (opened) this.#host.sendControl(newFrame(FrameType.CANCEL, 0, this.id, 0));
    else this.#host.release(this);
  }

  /** The session is over; nothing can be sent. */
  abandon(error: RpcError): void {
    if (!this.settled) this.#settle("done", error);
    else this.#state = "done";
    this.inbox.drop(error);
  }

  onData({ flags, payload }: Frame): void {
    if ((flags & Flag.LAST) !== 0) throw new FrameError("DATA frame of the callee has the flag LAST");
    this.#accept(payload, (flags & Flag.MESSAGE) !== 0);
  }

  onCredit(amount: number): void {
    this.#outbox!.grant(amount);
  }

  onEnd(frame: Frame): void {
    const { code, message, response } = readEnd(frame);
    if (response) this.#accept(response, true);
    if (this.#state === "open") {
      const error = code === Code.OK ? CALL_IS_OVER : new RpcError(code, message);
      if (code === Code.OK) this.inbox.finish();
      else this.inbox.fail(error);
      this.#settle("done", error);
      if (!this.#sentLast) this.#host.sendControl(newFrame(FrameType.CANCEL, 0, this.id, 0));
    }
    this.#state = "done";
    this.#host.release(this);
  }

  #accept(payload: Uint8Array<ArrayBuffer>, complete: boolean): void {
    if (this.inbox.accept(payload, complete)) return;
    const limit = this.#host.limits.maxBuffered;
    this.fail(
      new RpcError(Code.RESOURCE_EXHAUSTED, `Link holds more than ${limit} bytes that nobody has taken yet`),
    );
  }

  #settle(state: State, error: RpcError): void {
    this.#state = state;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#cancelTimer?.();
    this.#outbox?.fail(error);
    this.#begun.reject(error);
    this.#onSettled?.();
  }
}
