// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { decodeFrame, FrameType } from "../frame.ts";
import type { Frame } from "../frame.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { helloFrame } from "../payload.ts";
import type { Hello } from "../payload.ts";
import type { Transport, TransportClose } from "../transport.ts";

interface Waiter {
  readonly type: FrameType;
  readonly resolve: (frame: Frame) => void;
}

/** The other end of a session in a test: sends whatever it is told and keeps what it gets. It answers nothing by itself. */
export class RawPeer {
  readonly received: Frame[] = [];
  readonly closed: Promise<TransportClose>;
  readonly #transport: Transport;
  readonly #waiters: Waiter[] = [];
  #seen = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onframe = (bytes) => {
      this.received.push(decodeFrame(bytes));
      this.#settle();
    };
    this.closed = new Promise((resolve) => transport.onclose = resolve);
  }

  send(...frames: Uint8Array<ArrayBuffer>[]): void {
    for (const frame of frames) this.#transport.send(frame);
  }

  hello(hello: Partial<Hello> = {}): void {
    this.send(helloFrame({ ...DEFAULT_LIMITS, oldest: 1, newest: 1, ...hello }));
  }

  /** The next frame of this type that was not waited for yet, skipping others. */
  next(type: FrameType): Promise<Frame> {
    return new Promise((resolve) => {
      this.#waiters.push({ type, resolve });
      this.#settle();
    });
  }

  /** Frames of this type so far. */
  of(type: FrameType): Frame[] {
    return this.received.filter((frame) => frame.type === type);
  }

  close(): void {
    this.#transport.close(1000, "Test is over");
  }

  #settle(): void {
    while (this.#waiters.length > 0 && this.#seen < this.received.length) {
      const frame = this.received[this.#seen++]!;
      if (frame.type === this.#waiters[0]!.type) this.#waiters.shift()!.resolve(frame);
    }
  }
}
