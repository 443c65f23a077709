// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Containers that changed, and that are gone, since they were last taken. */
export interface Changes {
  readonly changed: readonly string[];
  /** Id and sequence number of the removal. */
  readonly removed: readonly (readonly [id: string, sequence: bigint])[];
}

/** Far more than a pod has containers; a watch that lies so far behind begins anew with a snapshot. */
const MAX_PENDING = 4096;

/**
 * What one watch has still to tell. Changes of the same container melt into one, so that a node that is slow gets the
 * newest state and costs no memory.
 */
export class Feed {
  readonly #changed = new Set<string>();
  readonly #removed = new Map<string, bigint>();
  readonly #onchange: () => void;
  #overflow = false;

  /** @param onchange called after each note */
  constructor(onchange: () => void) {
    this.#onchange = onchange;
  }

  /** More is pending than is kept: nothing can be taken any more. */
  get overflow(): boolean {
    return this.#overflow;
  }

  get empty(): boolean {
    return this.#changed.size === 0 && this.#removed.size === 0;
  }

  changed(id: string): void {
    this.#changed.add(id);
    this.#noted();
  }

  removed(id: string, sequence: bigint): void {
    this.#removed.set(id, sequence);
    this.#noted();
  }

  /** Something else than a container changed. */
  wake(): void {
    this.#onchange();
  }

  take(): Changes {
    const changes = { changed: [...this.#changed], removed: [...this.#removed] };
    this.#changed.clear();
    this.#removed.clear();
    return changes;
  }

  #noted(): void {
    if (this.#changed.size + this.#removed.size > MAX_PENDING) this.#overflow = true;
    this.#onchange();
  }
}
