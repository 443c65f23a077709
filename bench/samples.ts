// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Durations or other values of one run, of which quantiles are asked. */
export class Samples {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
  }

  get count(): number {
    return this.#values.length;
  }

  /** The value that the share `q` (0 to 1) of all values does not exceed (nearest rank). */
  quantile(q: number): number {
    if (this.#values.length === 0) throw new RangeError("No sample was taken");
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
  }

  get median(): number {
    return this.quantile(0.5);
  }

  get greatest(): number {
    return this.quantile(1);
  }
}

/** Milliseconds that `work` took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
