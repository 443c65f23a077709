// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { frameCost, InFlight } from "./flow.ts";
import type { BulkFrame, BulkQueue, Outbox } from "./outbox.ts";

/**
 * Decides which stream sends the next piece of a message: one frame each, in turn, while there is room in flight.
 *
 * Frames that are not DATA never queue here. They wait at most for what is in flight, which is why that is kept small:
 * a control frame or a small call overtakes any amount of bulk data that is still in memory.
 */
export class Scheduler implements BulkQueue {
  readonly #inFlight: InFlight;
  readonly #send: (frame: BulkFrame) => void;
  /** Streams with something to send and credit for it. A Set keeps the order of insertion. */
  readonly #turns = new Set<Outbox>();
  #pumping = false;

  constructor(inFlight: InFlight, send: (frame: BulkFrame) => void) {
    this.#inFlight = inFlight;
    this.#send = send;
  }

  add(outbox: Outbox): void {
    this.#turns.add(outbox);
    this.pump();
  }

  remove(outbox: Outbox): void {
    this.#turns.delete(outbox);
  }

  /** To be called when room in flight came free. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (const outbox of this.#turns) {
        const size = outbox.nextSize();
        if (size >= 0 && !this.#inFlight.hasRoom(frameCost(size))) return;
        // Taken out and added again behind the others; without credit it comes back with the next grant.
        this.#turns.delete(outbox);
        if (size < 0) continue;
        this.#send(outbox.nextFrame(size));
        if (outbox.nextSize() >= 0) this.#turns.add(outbox);
      }
    } finally {
      this.#pumping = false;
    }
  }
}
