// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

export type OutputChunk = { readonly case: "stdout" | "stderr"; readonly value: Uint8Array };

/** Small enough that a chunk and its message fit one frame of the link. */
const CHUNK_BYTES = 60 * 1024;

/** @see MergedOutput */
export interface MergedOutputOptions {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Bytes kept of each output; what comes after is read and discarded. 0 = no bound. */
  readonly limit: number;
}

/**
 * Both outputs of a process as one sequence, each chunk when it comes. Whoever reads slowly makes the process wait: one
 * chunk of each is held at most. Disposing of it frees the streams.
 */
export class MergedOutput implements AsyncDisposable {
  readonly #readers: readonly ReadableStreamDefaultReader<Uint8Array>[];
  readonly #pumps: Promise<unknown>;
  readonly #arrived: { readonly chunk: OutputChunk; readonly taken: () => void }[] = [];
  #wake = Promise.withResolvers<void>();
  #over = false;
  #disposed = false;
  #error: unknown;

  constructor({ stdout, stderr, limit }: MergedOutputOptions) {
    this.#readers = [stdout.getReader(), stderr.getReader()];
    const [out, err] = this.#readers;
    const bound = limit === 0 ? Infinity : limit;
    this.#pumps = Promise.all([this.#pump("stdout", out!, bound), this.#pump("stderr", err!, bound)]).then(
      () => this.end(),
      (error) => {
        this.#error = error;
        this.end();
      },
    );
  }

  /** Nothing more is waited for: what has arrived is the rest. */
  end(): void {
    this.#over = true;
    this.#wake.resolve();
  }

  /** Until both outputs have ended, or `end` was called. */
  async *chunks(): AsyncGenerator<OutputChunk> {
    for (;;) {
      const next = this.#arrived[0];
      if (next) {
        yield next.chunk;
        // Only now, so that one that is given up in between is let go by the disposal.
        this.#arrived.shift();
        next.taken();
      } else if (this.#over) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.end();
    for (const { taken } of this.#arrived.splice(0)) taken();
    await Promise.allSettled(this.#readers.map((reader) => reader.cancel()));
    await this.#pumps;
  }

  async #pump(
    name: OutputChunk["case"],
    reader: ReadableStreamDefaultReader<Uint8Array>,
    limit: number,
  ): Promise<void> {
    let left = limit;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const kept = next.value.subarray(0, Math.min(next.value.length, left));
      left -= kept.length;
      for (let at = 0; at < kept.length; at += CHUNK_BYTES) {
        await this.#offer({ case: name, value: kept.subarray(at, at + CHUNK_BYTES) });
      }
    }
  }

  #offer(chunk: OutputChunk): Promise<void> {
    // The rest of what was read: nobody would ever take it.
    if (this.#disposed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrived.push({ chunk, taken: resolve });
    this.#wake.resolve();
    return promise;
  }
}
