// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Work that is done once at a time for each key: whoever asks meanwhile waits for the one that is under way. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Joins the work under way for `key`, or begins it. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const current = this.#flights.get(key);
    if (current) return current;
    const flight = Promise.try(work).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** The work under way for `key`. */
  get(key: string): Promise<T> | undefined {
    return this.#flights.get(key);
  }

  get size(): number {
    return this.#flights.size;
  }
}
