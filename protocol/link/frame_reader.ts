// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { HEADER_BYTES, readHeader } from "./frame.ts";

/**
 * Cuts a byte stream (a virtio-serial port, a TLS socket) into frames, whatever the chunks are.
 *
 * Holds at most one unfinished frame (64 KiB), which is allocated only after its header was found valid. A byte stream
 * cannot be re-synchronised: after a throw the reader must be dropped with its stream.
 */
export class FrameReader {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #frame: Uint8Array<ArrayBuffer> | null = null;
  #filled = 0;

  /** True between frames: a stream that ends elsewhere was cut off. */
  get idle(): boolean {
    return this.#frame === null && this.#filled === 0;
  }

  /**
   * The frames that `chunk` completes, header included, each in memory of its own: keeping one does not keep the chunk.
   * Throws `FrameError` as soon as a header is wrong, after having yielded the frames before it.
   */
  *read(chunk: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
    let at = 0;
    while (at < chunk.length) {
      const target = this.#frame ?? this.#header;
      const part = chunk.subarray(at, at + target.length - this.#filled);
      target.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < target.length) return;
      const frame = this.#frame ?? this.#begin();
      if (frame.length > this.#filled) continue;
      this.#frame = null;
      this.#filled = 0;
      yield frame;
    }
  }

  #begin(): Uint8Array<ArrayBuffer> {
    const { length } = readHeader(this.#header);
    const frame = new Uint8Array(HEADER_BYTES + length);
    frame.set(this.#header);
    this.#frame = frame;
    return frame;
  }
}
