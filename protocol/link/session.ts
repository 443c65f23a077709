// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DescService } from "@bufbuild/protobuf";
import { Code, RpcError } from "../status.ts";
import type { Client } from "./client.ts";
import { createClient } from "./client.ts";
import { systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Arrivals, Budget, InFlight } from "./flow.ts";
import { decodeFrame, FrameError, frameName, FrameType, readU32 } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { IncomingCall } from "./incoming_call.ts";
import type { CalleeHost } from "./incoming_call.ts";
import { DEFAULT_KEEP_ALIVE, KeepAlive } from "./keep_alive.ts";
import type { KeepAliveTimes } from "./keep_alive.ts";
import { resolveLimits } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { CallerHost, OutgoingCall } from "./outgoing_call.ts";
import { amountFrame, byeFrame, helloFrame, pongFrame, readBye, readHello, readOpen } from "./payload.ts";
import type { Hello } from "./payload.ts";
import { Router } from "./router.ts";
import { Scheduler } from "./scheduler.ts";
import { serve } from "./serve.ts";
import { CloseCode } from "./session_end.ts";
import type { SessionEnd } from "./session_end.ts";
import { StreamTable } from "./stream_table.ts";
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

export interface SessionOptions {
  /** Who opened the connection: the dialer's streams are odd, the listener's even. */
  readonly role: "dialer" | "listener";
  /** What this side serves. @default nothing */
  readonly router?: Router | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly keepAlive?: Partial<KeepAliveTimes> | undefined;
  readonly clock?: Clock | undefined;
}

export interface SessionUsage {
  /** Memory of messages that came and are not finished with. At most `maxBuffered`. */
  readonly receivedBytes: number;
  /** Bytes that the transport has not got rid of. At most `maxTransportBacklog` and one frame. */
  readonly transportBytes: number;
  /** Calls of the peer. At most `maxStreams`. */
  readonly incomingCalls: number;
  readonly outgoingCalls: number;
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
  readonly #host: CallerHost & CalleeHost;
  readonly #streams: StreamTable;
  readonly #waiting = new Set<OutgoingCall>();
  readonly #closed = Promise.withResolvers<SessionEnd>();
  #peer: Hello | null = null;
  #end: SessionEnd | null = null;

  constructor(transport: Transport, options: SessionOptions) {
    this.role = options.role;
    this.closed = this.#closed.promise;
    this.#transport = transport;
    this.#router = options.router ?? new Router();
    this.#limits = resolveLimits(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#streams = new StreamTable(options.role === "dialer" ? 1 : 2, this.#limits, this.#clock);
    this.#budget = new Budget(this.#limits.maxBuffered);
    this.#inFlight = new InFlight(this.#limits.maxInFlight);
    this.#scheduler = new Scheduler(this.#inFlight, ({ frame, cost }) => this.#sendCounted(frame, cost));
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

  /**
   * Ends the session at once; calls in flight fail on both sides. Does nothing when it has ended. Throws RangeError for a
   * code that no WebSocket may send: allowed are 1000 and 3000 to 4999.
   */
  close(reason: string, code: number = CloseCode.NORMAL): void {
    if (code !== CloseCode.NORMAL && !(code >= 3000 && code <= 4999)) {
      throw new RangeError(`Cannot close a session with code ${code}: must be 1000 or 3000 to 4999`);
    }
    this.#finish("local", code, reason);
  }

  /** How the session ended, undefined while it lives. */
  get end(): SessionEnd | undefined {
    return this.#end ?? undefined;
  }

  /** What the session holds right now, for metrics and for tests of its bounds. */
  get usage(): SessionUsage {
    return {
      receivedBytes: this.#budget.used,
      transportBytes: this.#transport.bufferedBytes,
      incomingCalls: this.#streams.incomingCalls,
      outgoingCalls: this.#streams.outgoingCalls,
    };
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
    const open = this.#streams.outgoingCalls;
    if (open >= peer.maxStreams) return call.fail(tooMany(open));
    const id = this.#streams.add(call);
    if (id !== undefined) return call.begin(id, peer);
    call.fail(new RpcError(Code.UNAVAILABLE, "Cannot call: all stream ids of this link are used up"));
    this.#finish("local", CloseCode.NORMAL, "All stream ids are used up");
  }

  #release(call: OutgoingCall | IncomingCall): void {
    if (call.id === 0) this.#waiting.delete(call as OutgoingCall);
    else this.#streams.release(call);
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
    const { type, stream, payload } = frame;
    if (type === FrameType.BYE) {
      const { code, reason } = readBye(frame);
      return this.#finish("peer", code, reason);
    }
    if (!this.#peer || type === FrameType.HELLO) return this.#onHello(frame);
    switch (type) {
      case FrameType.OPEN:
        return this.#onOpen(frame, this.#peer);
      case FrameType.DATA:
        return this.#streams.get(stream).onData(frame);
      case FrameType.END:
        return this.#streams.getOutgoing(stream).onEnd(frame);
      case FrameType.CANCEL:
        return this.#streams.findIncoming(stream)?.onCancel();
      case FrameType.CREDIT:
        return this.#streams.find(stream)?.onCredit(readU32(payload, 0));
      case FrameType.ACK:
        this.#inFlight.acknowledged(readU32(payload, 0));
        return this.#scheduler.pump();
      case FrameType.PING:
        this.#streams.countStray();
        return this.#send(pongFrame(payload));
      case FrameType.PONG:
        return this.#keepAlive.pong(payload);
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
    this.#streams.admit(frame.stream);
    const open = readOpen(frame);
    const call = new IncomingCall(this.#host, frame.stream, open, peer);
    this.#streams.addIncoming(call);
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

  #finish(by: SessionEnd["by"], code: number, reason: string): void {
    if (this.#end) return;
    if (by === "local") this.#transport.send(byeFrame({ code, reason }));
    const end = { by, code, reason };
    this.#end = end;
    this.#keepAlive.stop();
    // A code that the peer chose is not for sending: WebSockets throw for most numbers.
    this.#transport.close(by === "local" ? code : CloseCode.NORMAL, reason);
    const error = downError(end);
    for (const call of this.#waiting) call.abandon(error);
    this.#waiting.clear();
    this.#streams.abandon(error);
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
