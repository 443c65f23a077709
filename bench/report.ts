// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
// deno-lint-ignore-file no-console
import { cpuShareSince, readCpuTicks } from "./cpu_share.ts";

export type Unit = "ms" | "MB" | "MB/s" | "MiB/s" | "/s" | "%" | "";

export interface Target {
  readonly bound: "at most" | "at least" | "exactly";
  readonly value: number;
}

export interface Figure {
  readonly bench: string;
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** Absent: a figure for information, nothing is promised. */
  readonly target?: Target;
}

/** What was measured, printed at once. */
export class Report {
  readonly figures: Figure[] = [];
  readonly failures: { readonly bench: string; readonly error: string }[] = [];
  #bench = "";
  #ticks = readCpuTicks();

  /** Begins a benchmark: its figures carry its name, and the load at its beginning stands above them. */
  begin(bench: string, about: string): void {
    this.#bench = bench;
    this.#ticks = readCpuTicks();
    const load = Deno.loadavg()[0]!.toFixed(2);
    console.log(`\n${bench}: ${about} (load ${load})`);
  }

  /** Ends a benchmark: says what the machine did meanwhile, for this and for others. */
  end(): void {
    const { busy, stolen } = cpuShareSince(this.#ticks);
    this.figure("(CPU of the machine: busy)", busy, "%");
    this.figure("(CPU of the machine: taken by its host)", stolen, "%");
  }

  /** @param target What the figure must hold to be a pass. Omitted: for information */
  figure(name: string, value: number, unit: Unit, target?: Target): void {
    this.figures.push({ bench: this.#bench, name, value, unit, ...(target && { target }) });
    const shown = `${digits(value).padStart(10)} ${unit.padEnd(5)}`;
    console.log(`  ${name.padEnd(66)} ${shown} ${target ? verdict(value, target) : ""}`.trimEnd());
  }

  /** What is being done, for the long ones. */
  progress(text: string): void {
    console.log(`    ${text}`);
  }

  failure(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.failures.push({ bench: this.#bench, error: text });
    console.log(`  FAILED: ${text}`);
  }

  get misses(): Figure[] {
    return this.figures.filter(({ value, target }) => target !== undefined && !passes(value, target));
  }
}

export function atMost(value: number): Target {
  return { bound: "at most", value };
}

export function atLeast(value: number): Target {
  return { bound: "at least", value };
}

export function exactly(value: number): Target {
  return { bound: "exactly", value };
}

function passes(value: number, { bound, value: limit }: Target): boolean {
  if (bound === "exactly") return value === limit;
  return bound === "at most" ? value <= limit : value >= limit;
}

function verdict(value: number, target: Target): string {
  return `${passes(value, target) ? "ok    " : "MISSED"} (${target.bound} ${target.value})`;
}

function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}
