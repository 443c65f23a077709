// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { untilAborted } from "./deadline.ts";

/** Lets one at a time pass for each key, in the order of asking. Disposing of what `acquire` answers lets the next one in. */
export class KeyedLock {
  /** Resolves when everybody who has asked so far has passed. */
  readonly #tails = new Map<string, Promise<void>>();

  /** Rejects with the signal's reason if that comes first; the place in the queue is then given up. */
  async acquire(key: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const before = this.#tails.get(key);
    const { promise: done, resolve: release } = Promise.withResolvers<void>();
    const tail = before ? before.then(() => done) : done;
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      if (before) await untilAborted(before, signal);
    } catch (error) {
      release();
      throw error;
    }
    return { [Symbol.dispose]: release };
  }

  /** Keys that are held or waited for. */
  get size(): number {
    return this.#tails.size;
  }
}
