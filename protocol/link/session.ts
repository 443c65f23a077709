// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DescService } from "@bufbuild/protobuf";
import { Code, RpcError } from "../status.ts";
import type { Client } from "./client.ts";
import { createClient } from "./client.ts";
import { systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Arrivals, Budget, InFlight } from "./flow.ts";
import { decodeFrame, FrameError, frameName, FrameType, HEADER_BYTES, readU32, writeU32 } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { IncomingCall } from "./incoming_call.ts";
import type { CalleeHost } from "./incoming_call.ts";
import { DEFAULT_KEEP_ALIVE, KeepAlive } from "./keep_alive.ts";
import type { KeepAliveTimes } from "./keep_alive.ts";
import { resolveLimits } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { CallerHost, OutgoingCall } from "./outgoing_call.ts";
import { amountFrame, byeFrame, helloFrame, readBye, readHello, readOpen } from "./payload.ts";
import type { Hello } from "./payload.ts";
import { Router } from "./router.ts";
import { Scheduler } from "./scheduler.ts";
import { serve } from "./serve.ts";
import { CloseCode } from "./session_end.ts";
import type { SessionEnd } from "./session_end.ts";
import { TokenBucket } from "./token_bucket.ts";
import type { Transport } from "./transport.ts";

export type { CallOptions } from "./call_options.ts";
export type { Client } from "./client.ts";
export type { Clock } from "./clock.ts";
export type { KeepAliveTimes } from "./keep_alive.ts";
export type { Limits } from "./limits.ts";
export { Router } from "./router.ts";
export type { CallContext, ServiceImpl } from "./router.ts";
export { CloseCode, closeCodeName } from "./session_end.ts";
export type { SessionEnd } from "./session_end.ts";
export type { Transport, TransportClose } from "./transport.ts";
export { transportPair } from "./transport_pair.ts";

/** Versions of the link protocol that this side speaks. Both N and N-1, once there is a 2. */
const OLDEST_VERSION = 1;
const NEWEST_VERSION = 1;
/** Largest stream id; then the session ends and a new one begins at 1 or 2. */
const MAX_STREAM = 0xffff_ffff;
/** Frames a second that a correct peer may send without need: pings, and CANCEL or CREDIT that crossed an END. */
const STRAYS_PER_SECOND = 1000;

export interface SessionOptions {
  /** Who opened the connection: the dialer's streams are odd, the listener's even. */
  readonly role: "dialer" | "listener";
  /** What this side serves. @default nothing */
  readonly router?: Router | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly keepAlive?: Partial<KeepAliveTimes> | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * One agent link: typed calls in both directions over one transport.
 *
 * It begins when it is constructed. Calls may be made at once and wait for the peer's HELLO. It ends by `close`, by the
 * peer, by the transport, or because the peer broke the protocol; then every call fails with UNAVAILABLE and the reason,
 * and the signal of every handler aborts.
 */
export class Session {
  readonly role: SessionOptions["role"];
  /** Resolves, and never rejects, as soon as the session is over. Handlers may still be winding up. */
  readonly closed: Promise<SessionEnd>;
  readonly #transport: Transport;
  readonly #router: Router;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #arrivals = new Arrivals();
  readonly #inFlight: InFlight;
  readonly #scheduler: Scheduler;
  readonly #keepAlive: KeepAlive;
  readonly #callRate: TokenBucket;
  readonly #strayRate: TokenBucket;
  readonly #host: CallerHost & CalleeHost;
  readonly #outgoing = new Map<number, OutgoingCall>();
  readonly #incoming = new Map<number, IncomingCall>();
  readonly #waiting = new Set<OutgoingCall>();
  readonly #closed = Promise.withResolvers<SessionEnd>();
  #peer: Hello | null = null;
  #end: SessionEnd | null = null;
  #nextId: number;
  #lastPeerId = 0;

  constructor(transport: Transport, options: SessionOptions) {
    this.role = options.role;
    this.closed = this.#closed.promise;
    this.#transport = transport;
    this.#router = options.router ?? new Router();
    this.#limits = resolveLimits(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#nextId = options.role === "dialer" ? 1 : 2;
    this.#budget = new Budget(this.#limits.maxBuffered);
    this.#inFlight = new InFlight(this.#limits.maxInFlight);
    this.#scheduler = new Scheduler(this.#inFlight, ({ frame, cost }) => this.#sendCounted(frame, cost));
    this.#callRate = new TokenBucket(this.#limits.maxCallsPerSecond, this.#clock);
    this.#strayRate = new TokenBucket(STRAYS_PER_SECOND, this.#clock);
    this.#host = this.#makeHost();
    this.#keepAlive = new KeepAlive({
      ...DEFAULT_KEEP_ALIVE,
      ...options.keepAlive,
      clock: this.#clock,
      send: (frame) => this.#send(frame),
      onSilence: (ms) =>
        this.#finish("local", CloseCode.SILENT, `Nothing was heard from the peer for ${ms} ms`),
    });
    transport.onframe = (bytes) => this.#receive(bytes);
    transport.onclose = ({ code, reason }) => this.#finish("transport", code, reason);
    this.#send(helloFrame({ ...this.#limits, oldest: OLDEST_VERSION, newest: NEWEST_VERSION }));
  }

  /** The methods of `desc` as the peer serves them. */
  client<S extends DescService>(desc: S): Client<S> {
    return createClient(desc, this.#host);
  }

  /** Ends the session at once; calls in flight fail on both sides. Does nothing when it has ended. */
  close(reason: string, code: number = CloseCode.NORMAL): void {
    this.#finish("local", code, reason);
  }

  /** How the session ended, undefined while it lives. */
  get end(): SessionEnd | undefined {
    return this.#end ?? undefined;
  }

  #makeHost(): CallerHost & CalleeHost {
    return {
      clock: this.#clock,
      limits: this.#limits,
      budget: this.#budget,
      bulk: this.#scheduler,
      sendControl: (frame) => this.#send(frame),
      sendInline: (frame, cost) => this.#sendCounted(frame, cost),
      arrived: (cost) => this.#acknowledge(this.#arrivals.received(cost)),
      start: (call) => this.#start(call),
      release: (call) => this.#release(call),
    };
  }

  #send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#end) return;
    this.#transport.send(frame);
    const backlog = this.#transport.bufferedBytes;
    if (backlog <= this.#limits.maxTransportBacklog) return;
    this.#finish("local", CloseCode.NOT_READING, `Peer has left ${backlog} bytes untaken`);
  }

  #sendCounted(frame: Uint8Array<ArrayBuffer>, cost: number): void {
    this.#inFlight.sent(cost);
    this.#send(frame);
  }

  #acknowledge(amount: number): void {
    if (amount > 0) this.#send(amountFrame(FrameType.ACK, 0, amount));
  }

  #start(call: OutgoingCall): void {
    if (this.#end) return call.abandon(downError(this.#end));
    if (this.#peer) return this.#begin(call, this.#peer);
    if (this.#waiting.size < this.#limits.maxStreams) this.#waiting.add(call);
    else call.fail(tooMany(this.#waiting.size));
  }

  #begin(call: OutgoingCall, peer: Hello): void {
    if (this.#outgoing.size >= peer.maxStreams) return call.fail(tooMany(this.#outgoing.size));
    const id = this.#nextId;
    if (id > MAX_STREAM) return this.#finish("local", CloseCode.NORMAL, "All stream ids are used up");
    this.#nextId += 2;
    this.#outgoing.set(id, call);
    call.begin(id, peer);
  }

  #release(call: OutgoingCall | IncomingCall): void {
    if (call instanceof IncomingCall) this.#incoming.delete(call.id);
    else if (call.id !== 0) this.#outgoing.delete(call.id);
    else this.#waiting.delete(call);
  }

  #receive(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#end) return;
    this.#keepAlive.heard();
    let frame: Frame | undefined;
    try {
      frame = decodeFrame(bytes);
      this.#dispatch(frame);
    } catch (error) {
      const where = frame ? ` (${frameName(frame.type)} frame on stream ${frame.stream})` : "";
      if (error instanceof FrameError) this.#finish("local", error.closeCode, error.message + where);
      else this.#finish("local", CloseCode.INTERNAL, `Cannot handle a frame: ${error}${where}`);
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.type === FrameType.BYE) {
      const { code, reason } = readBye(frame);
      return this.#finish("peer", code, reason);
    }
    if (!this.#peer || frame.type === FrameType.HELLO) return this.#onHello(frame);
    switch (frame.type) {
      case FrameType.OPEN:
        return this.#onOpen(frame, this.#peer);
      case FrameType.DATA:
        return this.#callOf(frame).onData(frame);
      case FrameType.END:
        return this.#onEnd(frame);
      case FrameType.CANCEL:
        return this.#onCancel(frame);
      case FrameType.CREDIT:
        return this.#onCredit(frame);
      case FrameType.ACK:
        this.#inFlight.acknowledged(readU32(frame.payload, 0));
        return this.#scheduler.pump();
      case FrameType.PING:
        return this.#onPing(frame);
      case FrameType.PONG:
        return this.#keepAlive.pong(frame.payload);
    }
  }

  #onHello(frame: Frame): void {
    if (frame.type !== FrameType.HELLO) throw new FrameError("Frame came before HELLO");
    if (this.#peer) throw new FrameError("HELLO frame came twice");
    const peer = readHello(frame);
    if (peer.oldest > NEWEST_VERSION || peer.newest < OLDEST_VERSION) {
      throw new FrameError(
        `Peer speaks link protocol ${peer.oldest} to ${peer.newest}, this side ${OLDEST_VERSION} to ${NEWEST_VERSION}`,
        CloseCode.VERSION,
      );
    }
    this.#peer = peer;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) this.#start(call);
  }

  #onOpen(frame: Frame, peer: Hello): void {
    const id = frame.stream;
    if (this.#isOwn(id)) throw new FrameError("Peer opened a stream with an id of this side");
    if (id <= this.#lastPeerId) throw new FrameError(`Peer opened stream ${id} after ${this.#lastPeerId}`);
    if (this.#incoming.size >= this.#limits.maxStreams) {
      throw new FrameError(
        `Peer opened more than ${this.#limits.maxStreams} streams at a time`,
        CloseCode.FLOOD,
      );
    }
    if (!this.#callRate.take()) {
      throw new FrameError(
        `Peer made more than ${this.#limits.maxCallsPerSecond} calls a second`,
        CloseCode.FLOOD,
      );
    }
    this.#lastPeerId = id;
    const open = readOpen(frame);
    const call = new IncomingCall(this.#host, id, open, peer);
    this.#incoming.set(id, call);
    this.#answer(call, open.method);
  }

  #answer(call: IncomingCall, method: string): void {
    const route = this.#router.find(method);
    if (!route) {
      return call.refuse({ code: Code.UNIMPLEMENTED, message: `Method ${method} is not served here` });
    }
    const deadline = call.timeoutMs > 0 ? this.#clock.now() + call.timeoutMs : undefined;
    void call.run(() => serve(route, call, { signal: call.signal, deadline, session: this }));
  }

  #onEnd(frame: Frame): void {
    const call = this.#isOwn(frame.stream) ? this.#outgoing.get(frame.stream) : undefined;
    if (!call) throw new FrameError("Stream is not open");
    call.onEnd(frame);
  }

  #onCancel(frame: Frame): void {
    if (this.#isOwn(frame.stream)) throw new FrameError("Callee cannot cancel");
    const call = this.#incoming.get(frame.stream);
    if (call) call.onCancel();
    else this.#stray(frame);
  }

  #onCredit(frame: Frame): void {
    const call = this.#outgoing.get(frame.stream) ?? this.#incoming.get(frame.stream);
    if (call) call.onCredit(readU32(frame.payload, 0));
    else this.#stray(frame);
  }

  #onPing(frame: Frame): void {
    this.#countStray();
    const pong = new Uint8Array(HEADER_BYTES + frame.length);
    pong[0] = FrameType.PONG;
    writeU32(pong, 8, frame.length);
    pong.set(frame.payload, HEADER_BYTES);
    this.#send(pong);
  }

  /** A frame that crossed the END of its stream. */
  #stray(frame: Frame): void {
    const last = this.#isOwn(frame.stream) ? this.#nextId - 2 : this.#lastPeerId;
    if (frame.stream > last) throw new FrameError("Stream was never opened");
    this.#countStray();
  }

  #countStray(): void {
    if (this.#strayRate.take()) return;
    throw new FrameError(`Peer sent more than ${STRAYS_PER_SECOND} idle frames a second`, CloseCode.FLOOD);
  }

  #callOf(frame: Frame): OutgoingCall | IncomingCall {
    const call = this.#outgoing.get(frame.stream) ?? this.#incoming.get(frame.stream);
    if (!call) throw new FrameError("Stream is not open");
    return call;
  }

  #isOwn(id: number): boolean {
    return (id & 1) === (this.#nextId & 1);
  }

  #finish(by: SessionEnd["by"], code: number, reason: string): void {
    if (this.#end) return;
    if (by === "local") this.#transport.send(byeFrame({ code, reason }));
    const end = { by, code, reason };
    this.#end = end;
    this.#keepAlive.stop();
    this.#transport.close(code, reason);
    const error = downError(end);
    for (const call of [...this.#waiting, ...this.#outgoing.values()]) call.abandon(error);
    for (const call of this.#incoming.values()) call.abort(error);
    this.#waiting.clear();
    this.#outgoing.clear();
    this.#closed.resolve(end);
  }
}

function downError({ reason }: SessionEnd): RpcError {
  return new RpcError(Code.UNAVAILABLE, `Agent link is down: ${reason}`);
}

function tooMany(open: number): RpcError {
  return new RpcError(
    Code.RESOURCE_EXHAUSTED,
    `Cannot call: ${open} calls are open on this link, as many as the peer allows`,
  );
}
