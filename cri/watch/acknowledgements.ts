// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The requests of a watch: how far everything is folded. Events may be finished out of order; what is acknowledged is
 * the number up to which none is missing. Only the newest is kept, however slowly the peer takes them.
 */
export class Acknowledgements implements AsyncIterable<{ acknowledged: bigint }> {
  readonly #open = new Map<symbol, bigint>();
  #highest = 0n;
  #sent = 0n;
  #ended = false;
  #wake: (() => void) | null = null;

  /** An event came. Call what is answered when it is folded. */
  begin(sequence: bigint): () => void {
    const event = Symbol();
    this.#open.set(event, sequence);
    if (sequence > this.#highest) this.#highest = sequence;
    return () => {
      this.#open.delete(event);
      this.#wake?.();
    };
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Everything up to and including this number is folded. */
  get folded(): bigint {
    let least = this.#highest;
    for (const sequence of this.#open.values()) {
      if (sequence <= least) least = sequence - 1n;
    }
    return least;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ acknowledged: bigint }> {
    while (!this.#ended) {
      const acknowledged = this.folded;
      if (acknowledged > this.#sent) {
        this.#sent = acknowledged;
        yield { acknowledged };
        continue;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
  }
}
