// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The owner of work that nobody waits for: background loops, undo after a lost caller. Every promise has an owner, so
 * that a failure is told and the end of the process can wait for all of them.
 */
export class Tasks {
  readonly #running = new Set<Promise<void>>();
  readonly #onerror: (name: string, error: unknown) => void;

  /** @param onerror is told of every failure. It must not throw. */
  constructor(onerror: (name: string, error: unknown) => void) {
    this.#onerror = onerror;
  }

  /** Begins `work` and owns its promise. `name` is for the message if it fails. */
  start(name: string, work: () => Promise<unknown>): void {
    const running = Promise.try(work)
      .then(() => {}, (error) => this.#onerror(name, error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  get size(): number {
    return this.#running.size;
  }

  /** Resolves when nothing is left, also of what was begun meanwhile. Abort what runs before. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
