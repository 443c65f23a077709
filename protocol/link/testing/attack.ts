// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Flag, FrameType, newFrame } from "../frame.ts";
import { amountFrame, dataFrame, encodeMethodName, openFrame } from "../payload.ts";
import { Router, Session, transportPair } from "../session.ts";
import type { SessionOptions } from "../session.ts";
import { Echo } from "./echo_service.ts";
import { FakeClock } from "./fake_clock.ts";
import { RawPeer } from "./raw_peer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A method of the test service as OPEN names it. */
export function method(name: string): Uint8Array {
  return encodeMethodName(`infranetes.link.testing.Echo/${name}`);
}

/** OPEN without a request yet. */
export function open(stream: number, name = "Chat"): Bytes {
  return openFrame(stream, { method: method(name), timeoutMs: 0, message: undefined, last: false });
}

export function cancel(stream: number): Bytes {
  return newFrame(FrameType.CANCEL, 0, stream, 0);
}

export function credit(stream: number, amount: number): Bytes {
  return amountFrame(FrameType.CREDIT, stream, amount);
}

export function ack(amount: number): Bytes {
  return amountFrame(FrameType.ACK, 0, amount);
}

/** A message of the peer in one frame; protobuf's BytesValue with nothing in it is no bytes at all. */
export function data(stream: number, length: number, flags: number = Flag.MESSAGE): Bytes {
  return dataFrame(stream, flags, new Uint8Array(length));
}

/** Handlers that wait until their call is over, and count how many do. */
function stuckRouter() {
  let running = 0;
  const wait = async (signal: AbortSignal) => {
    running += 1;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    running -= 1;
    throw signal.reason;
  };
  const router = new Router().service(Echo, {
    say: (_, { signal }) => wait(signal),
    upload: (_, { signal }) => wait(signal),
    // deno-lint-ignore require-yield
    chat: async function* (_, { signal }) {
      await wait(signal);
    },
    download: async function* ({ value }) {
      const chunk = { value: new Uint8Array(60_000) };
      for (let i = 0; i < value; i++) yield await Promise.resolve(chunk);
    },
  });
  return { router, running: () => running };
}

/** A session on a clock that stands still, and its peer, which has not said HELLO yet. The session's calls are even. */
export function attack(options: Partial<SessionOptions> = {}) {
  const [a, b] = transportPair();
  const { router, running } = stuckRouter();
  const clock = new FakeClock();
  const session = new Session(a, { role: "listener", router, clock, ...options });
  return { session, peer: new RawPeer(b), running, clock };
}
