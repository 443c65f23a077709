// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { untilAborted } from "../../lib/deadline.ts";

/** Whoever waits for something to happen to a key. */
export class Waiters<T> {
  readonly #waiting = new Map<string, Set<PromiseWithResolvers<T>>>();

  /** Keys that are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Rejects with the signal's reason if that comes first. */
  async wait(key: string, signal: AbortSignal): Promise<T> {
    const waiter = Promise.withResolvers<T>();
    const waiters = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiters.add(waiter));
    try {
      return await untilAborted(waiter.promise, signal);
    } finally {
      // Whoever came after the others were woken is in another set.
      const last = waiters.delete(waiter) && waiters.size === 0;
      if (last && this.#waiting.get(key) === waiters) this.#waiting.delete(key);
    }
  }

  resolve(key: string, value: T): void {
    for (const waiter of this.#take(key)) waiter.resolve(value);
  }

  reject(key: string, error: Error): void {
    for (const waiter of this.#take(key)) waiter.reject(error);
  }

  #take(key: string): ReadonlySet<PromiseWithResolvers<T>> {
    const waiters = this.#waiting.get(key) ?? new Set();
    this.#waiting.delete(key);
    return waiters;
  }
}
