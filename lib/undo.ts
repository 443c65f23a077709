// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "./clock.ts";
import { deadline } from "./deadline.ts";

export interface UndoOptions {
  readonly clock: Clock;
  /** For all steps together, from the moment at which undoing begins. */
  readonly timeoutMs: number;
}

/**
 * What has to be taken back if a piece of work with several steps fails. Each step pushes its own undo beforehand; on
 * the way out they run last first, on a deadline of their own, because the signal of the work may be why it failed. A
 * step that fails does not keep the earlier ones from being undone.
 */
export class UndoStack implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #options: UndoOptions;
  #signal: AbortSignal | undefined;

  constructor(options: UndoOptions) {
    this.#options = options;
  }

  push(undo: (signal: AbortSignal) => Promise<void> | void): void {
    this.#stack.defer(() => undo(this.#signal!));
  }

  /** The work succeeded: nothing is taken back. */
  commit(): void {
    this.#stack.move();
  }

  /** @throws whatever steps threw; several as a `SuppressedError` */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stack.disposed) return;
    using limit = deadline(this.#options.timeoutMs, { clock: this.#options.clock, what: "Undoing" });
    this.#signal = limit.signal;
    await this.#stack.disposeAsync();
  }
}
