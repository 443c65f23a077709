// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import type { Code } from "../../status.ts";
import { RpcError } from "../../status.ts";
import { Router, Session, transportPair } from "../session.ts";
import type { Client, ServiceImpl, SessionOptions } from "../session.ts";
import { Echo } from "./echo_service.ts";

export interface Linked extends Disposable {
  readonly dialer: Session;
  readonly listener: Session;
  /** Of the listener's handlers, as the dialer sees them. */
  readonly echo: Client<typeof Echo>;
}

/** Two sessions in memory, of which the listener serves `impl`. */
export function link(impl: Partial<ServiceImpl<typeof Echo>>, options: Partial<SessionOptions> = {}): Linked {
  const [a, b] = transportPair();
  const dialer = new Session(a, { role: "dialer", ...options });
  const listener = new Session(b, { role: "listener", router: new Router().service(Echo, impl), ...options });
  return {
    dialer,
    listener,
    echo: dialer.client(Echo),
    [Symbol.dispose]: () => dialer.close("Test is over"),
  };
}

export function bytes(length: number, fill = 7): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(fill);
}

/** Messages of `size` bytes, each filled with its number. */
export async function* chunks(
  count: number,
  size: number,
): AsyncGenerator<{ value: Uint8Array<ArrayBuffer> }> {
  for (let i = 0; i < count; i++) yield await Promise.resolve({ value: bytes(size, i) });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function rejectsWith(promise: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert(error instanceof RpcError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Resolves with the reason when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

/** Lets everything that is under way in memory happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
