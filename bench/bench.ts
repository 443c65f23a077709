// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Report } from "./report.ts";

export interface BenchOptions {
  /** How often, where a benchmark counts; smaller for a quick look. Its own default is the one that a target holds for. */
  readonly count?: number;
}

/** One benchmark: measures, and puts its figures into the report. Leaves no process and no file. */
export interface Bench {
  readonly name: string;
  /** One line for `--list`. */
  readonly about: string;
  run(report: Report, options: BenchOptions): Promise<void>;
}
