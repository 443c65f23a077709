// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { RpcError } from "../status.ts";
import type { Clock } from "./clock.ts";
import { FrameError } from "./frame.ts";
import { IncomingCall } from "./incoming_call.ts";
import type { Limits } from "./limits.ts";
import type { OutgoingCall } from "./outgoing_call.ts";
import { CloseCode } from "./session_end.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Largest stream id; then the session must end and a new one begins with 1 and 2. */
const MAX_STREAM = 0xffff_ffff;
/** Frames a second that a correct peer may send without need: pings, and CANCEL or CREDIT that crossed an END. */
const STRAYS_PER_SECOND = 1000;

/** The streams of a session by id, and the rules about ids. What breaks a rule is thrown as {@linkcode FrameError}. */
export class StreamTable {
  readonly #limits: Limits;
  readonly #outgoing = new Map<number, OutgoingCall>();
  readonly #incoming = new Map<number, IncomingCall>();
  readonly #callRate: TokenBucket;
  readonly #strayRate: TokenBucket;
  readonly #parity: number;
  #nextId: number;
  #lastPeerId = 0;

  constructor(firstId: number, limits: Limits, clock: Clock) {
    this.#parity = firstId & 1;
    this.#nextId = firstId;
    this.#limits = limits;
    this.#callRate = new TokenBucket(limits.maxCallsPerSecond, clock);
    this.#strayRate = new TokenBucket(STRAYS_PER_SECOND, clock);
  }

  get outgoingCalls(): number {
    return this.#outgoing.size;
  }

  get incomingCalls(): number {
    return this.#incoming.size;
  }

  /** The id for a new call of this side, undefined when all are used up. */
  add(call: OutgoingCall): number | undefined {
    const id = this.#nextId;
    if (id > MAX_STREAM) return undefined;
    this.#nextId += 2;
    this.#outgoing.set(id, call);
    return id;
  }

  /** Checks that the peer may open stream `id` now. */
  admit(id: number): void {
    if (this.#isOwn(id)) throw new FrameError("Peer opened a stream with an id of this side");
    if (id <= this.#lastPeerId) throw new FrameError(`Peer opened stream ${id} after ${this.#lastPeerId}`);
    const { maxStreams, maxCallsPerSecond } = this.#limits;
    if (this.#incoming.size >= maxStreams) {
      throw new FrameError(`Peer opened more than ${maxStreams} streams at a time`, CloseCode.FLOOD);
    }
    if (!this.#callRate.take()) {
      throw new FrameError(`Peer made more than ${maxCallsPerSecond} calls a second`, CloseCode.FLOOD);
    }
    this.#lastPeerId = id;
  }

  addIncoming(call: IncomingCall): void {
    this.#incoming.set(call.id, call);
  }

  /** The open stream of a DATA frame. */
  get(id: number): OutgoingCall | IncomingCall {
    const call = this.#outgoing.get(id) ?? this.#incoming.get(id);
    if (!call) throw new FrameError("Stream is not open");
    return call;
  }

  /** The open stream of an END frame. */
  getOutgoing(id: number): OutgoingCall {
    const call = this.#outgoing.get(id);
    if (!call) throw new FrameError("Call is not open");
    return call;
  }

  /** The stream of a CANCEL frame, undefined if the frame crossed the END of the stream. */
  findIncoming(id: number): IncomingCall | undefined {
    if (this.#isOwn(id)) throw new FrameError("Callee cannot cancel");
    const call = this.#incoming.get(id);
    if (!call) this.#stray(id);
    return call;
  }

  /** The stream of a CREDIT frame, undefined if the frame crossed the END of the stream. */
  find(id: number): OutgoingCall | IncomingCall | undefined {
    const call = this.#outgoing.get(id) ?? this.#incoming.get(id);
    if (!call) this.#stray(id);
    return call;
  }

  /** Counts a frame that costs the peer nothing. */
  countStray(): void {
    if (this.#strayRate.take()) return;
    throw new FrameError(`Peer sent more than ${STRAYS_PER_SECOND} idle frames a second`, CloseCode.FLOOD);
  }

  release(call: OutgoingCall | IncomingCall): void {
    if (call instanceof IncomingCall) this.#incoming.delete(call.id);
    else this.#outgoing.delete(call.id);
  }

  /** Ends every call. Handlers that still run release their streams when they are done. */
  abandon(error: RpcError): void {
    for (const call of this.#outgoing.values()) call.abandon(error);
    this.#outgoing.clear();
    for (const call of this.#incoming.values()) call.abort(error);
  }

  #stray(id: number): void {
    const last = this.#isOwn(id) ? this.#nextId - 2 : this.#lastPeerId;
    if (id > last) throw new FrameError("Stream was never opened");
    this.countStray();
  }

  #isOwn(id: number): boolean {
    return (id & 1) === this.#parity;
  }
}
