// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What the demo shows: a title for each phase, what happened below it, and how long it took. */
export class Screen {
  readonly #times: [title: string, ms: number][] = [];
  readonly #begun = performance.now();

  line(text = ""): void {
    write(`${text}\n`);
  }

  /** Text of somebody else, set apart. */
  quote(text: string): void {
    for (const line of text.trimEnd().split("\n")) this.line(`    │ ${line}`);
  }

  /** Does a phase of the demo and shows its time. */
  async phase<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.line(`▸ ${title}`);
    const begun = performance.now();
    const result = await work();
    const ms = Math.round(performance.now() - begun);
    this.#times.push([title, ms]);
    this.line(`    ${seconds(ms)}`);
    return result;
  }

  summary(): void {
    const width = Math.max(...this.#times.map(([title]) => title.length));
    this.line();
    for (const [title, ms] of this.#times) this.line(`  ${title.padEnd(width)}  ${seconds(ms)}`);
    this.line(`  ${"All in all".padEnd(width)}  ${seconds(Math.round(performance.now() - this.#begun))}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2).padStart(6)} s`;
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.byteLength;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
