// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Code, RpcError, toStatus } from "../status.ts";
import type { Status } from "../status.ts";
import type { CallHost, PeerLimits } from "./call_host.ts";
import { CALL_IS_OVER } from "./call_over.ts";
import { frameCost, SendWindow } from "./flow.ts";
import { Flag, FrameError, FrameType } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { amountFrame, endFrame, MAX_INLINE_BYTES } from "./payload.ts";
import type { ReceivedOpen } from "./payload.ts";

/** The session's side of an {@linkcode IncomingCall}. */
export interface CalleeHost extends CallHost {
  /** The stream is over on both sides. */
  release(call: IncomingCall): void;
}

/** Serves a call. Returns the response of a method with one response, undefined after the last of several. */
export type Serve = (call: IncomingCall) => Promise<Uint8Array | undefined>;

/**
 * A call made by the peer.
 *
 * It is over when the handler has settled and END is sent, and the caller has finished or cancelled; until both, it
 * counts among the peer's streams. END is therefore never sent while the handler still runs, not even after a CANCEL or
 * the deadline: the caller does not wait for it.
 */
export class IncomingCall {
  readonly id: number;
  readonly inbox: Inbox;
  /** Ms left when the call came in; 0 = no deadline. */
  readonly timeoutMs: number;
  readonly #host: CalleeHost;
  readonly #outbox: Outbox;
  readonly #window: SendWindow;
  readonly #maxMessage: number;
  readonly #controller = new AbortController();
  #cancelTimer: (() => void) | null = null;
  #callerDone = false;
  #cancelled = false;
  #ended = false;

  constructor(host: CalleeHost, id: number, open: ReceivedOpen, peer: PeerLimits) {
    this.#host = host;
    this.id = id;
    this.timeoutMs = open.timeoutMs;
    this.#window = new SendWindow(peer.window);
    this.#maxMessage = peer.maxMessage;
    this.#outbox = new Outbox(id, this.#window, host.bulk);
    this.inbox = new Inbox({
      window: host.limits.window,
      maxMessage: host.limits.maxMessage,
      budget: host.budget,
      grant: (amount) => host.sendControl(amountFrame(FrameType.CREDIT, id, amount)),
      arrived: (cost) => host.arrived(cost),
    });
    if (open.message) this.#accept(open.message, true);
    if (open.last) this.#finishRequests();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs the handler to its end and answers. Never rejects. */
  async run(serve: Serve): Promise<void> {
    if (this.timeoutMs > 0) this.#cancelTimer = this.#host.clock.after(this.timeoutMs, () => this.#expire());
    try {
      const response = await serve(this);
      this.signal.throwIfAborted();
      if (response) await this.#respond(response);
      else this.#sendEnd({ code: Code.OK, message: "" });
    } catch (error) {
      this.#sendEnd(this.#statusOf(error));
    }
  }

  /** Answers without a handler. */
  refuse(status: Status): void {
    this.#sendEnd(status);
  }

  /** Sends one response message; rejects when the call is over. Undefined when it is with the transport already. */
  write(message: Uint8Array): Promise<void> | undefined {
    this.#checkSize(message);
    return this.#outbox.write(message);
  }

  /** Tells the handler to stop: its signal aborts, its requests end, its responses go nowhere. */
  abort(error: RpcError): void {
    if (this.signal.aborted) return;
    this.#cancelTimer?.();
    this.inbox.drop(error);
    this.#outbox.fail(error);
    this.#controller.abort(error);
  }

  onData({ flags, payload }: Frame): void {
    if (this.#callerDone) throw new FrameError("DATA frame came after the caller's last");
    const complete = (flags & Flag.MESSAGE) !== 0;
    if (complete || payload.length > 0) this.#accept(payload, complete);
    if ((flags & Flag.LAST) !== 0) this.#finishRequests();
  }

  onCredit(amount: number): void {
    this.#outbox.grant(amount);
  }

  /** The caller may cancel after its last DATA too, but only once. */
  onCancel(): void {
    if (this.#cancelled) throw new FrameError("CANCEL frame came twice");
    this.#cancelled = true;
    this.#callerDone = true;
    if (this.#ended) this.#host.release(this);
    else this.abort(new RpcError(Code.CANCELLED, "Call was cancelled by the caller"));
  }

  #expire(): void {
    this.abort(new RpcError(Code.DEADLINE_EXCEEDED, `Call was not finished within ${this.timeoutMs} ms`));
  }

  #accept(payload: Uint8Array<ArrayBuffer>, complete: boolean): void {
    if (this.inbox.accept(payload, complete)) return;
    const limit = this.#host.limits.maxBuffered;
    this.abort(
      new RpcError(
        Code.RESOURCE_EXHAUSTED,
        `Link holds more than ${limit} bytes of requests that nobody has taken yet`,
      ),
    );
  }

  #finishRequests(): void {
    this.inbox.finish();
    this.#callerDone = true;
    if (this.#ended) this.#host.release(this);
  }

  async #respond(response: Uint8Array): Promise<void> {
    this.#checkSize(response);
    const status = { code: Code.OK, message: "" };
    if (response.length <= MAX_INLINE_BYTES && this.#window.fits(response.length)) {
      return this.#sendEnd(status, response);
    }
    await this.#outbox.write(response);
    this.#sendEnd(status);
  }

  #checkSize(message: Uint8Array): void {
    if (message.length <= this.#maxMessage) return;
    throw new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `Response of ${message.length} bytes is larger than the ${this.#maxMessage} that the caller accepts`,
    );
  }

  /** After an abort its reason counts, whatever the handler made of it. */
  #statusOf(error: unknown): Status {
    const status = toStatus(this.signal.aborted ? this.signal.reason : error);
    if (status.code !== Code.OK) return status;
    return { code: Code.INTERNAL, message: `Handler threw an error with status OK: ${status.message}` };
  }

  #sendEnd(status: Status, response?: Uint8Array): void {
    this.#ended = true;
    this.#cancelTimer?.();
    this.inbox.drop(undefined);
    this.#outbox.fail(CALL_IS_OVER);
    const frame = endFrame(this.id, status, response);
    if (response) this.#host.sendInline(frame, frameCost(response.length));
    else this.#host.sendControl(frame);
    if (this.#callerDone) this.#host.release(this);
  }
}
