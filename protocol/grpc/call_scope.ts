// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Deadline, Metadata } from "@grpc/grpc-js";
import { Code, RpcError } from "../status.ts";

/** What unary calls and server streams of grpc-js have in common. */
export interface ServerCall {
  readonly request: Uint8Array;
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): Deadline;
  once(event: "cancelled", listener: () => void): unknown;
}

/** The life of one call on the server: its signal and its deadline. */
export class CallScope implements Disposable {
  readonly deadline: number | undefined;
  readonly #controller = new AbortController();

  constructor(call: ServerCall) {
    const deadline = Number(call.getDeadline());
    this.deadline = Number.isFinite(deadline) ? deadline : undefined;
    // grpc-js emits it for the deadline and at the end of every call as well; by then dispose() has come first.
    call.once("cancelled", () => this.abort(this.#whyCancelled()));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Makes the signal fire with `reason`. Does nothing if it has fired. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.abort(new DOMException("The call has ended", "AbortError"));
  }

  #whyCancelled(): RpcError {
    // grpc-js does not tell which it was. Its timer was set from the same clock, in whole milliseconds.
    return this.deadline !== undefined && Date.now() >= this.deadline - 1
      ? new RpcError(Code.DEADLINE_EXCEEDED, "The deadline of the call has passed")
      : new RpcError(Code.CANCELLED, "The caller has cancelled the call or is gone");
  }
}
