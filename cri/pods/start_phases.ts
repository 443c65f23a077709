// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** One phase of a start, and how many milliseconds it took. */
export interface StartPhase {
  readonly phase: string;
  readonly ms: number;
}

/** The phases of one start as a stream. They are few, so that nothing is lost if nobody reads yet. */
export class StartPhases {
  readonly stream: ReadableStream<StartPhase>;
  #controller!: ReadableStreamDefaultController<StartPhase>;
  #open = true;

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.#open = false),
    });
  }

  add(phase: string, ms: number): void {
    if (this.#open) this.#controller.enqueue({ phase, ms });
  }

  end(): void {
    if (this.#open) this.#controller.close();
    this.#open = false;
  }
}
