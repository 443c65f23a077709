// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Path, Position } from "./yaml_source.ts";

/** One thing that is wrong with a configuration or a manifest. */
export interface Problem {
  readonly path: Path;
  /** Upper-case start, no final period; says what is wanted. */
  readonly message: string;
  /** JSON of the value that was given; absent where there is none or where it may be a secret. */
  readonly given?: string;
  readonly position?: Position;
  /** What set the value if it was not the file: `flag --log-level`, `environment INFRANETES_LOG_LEVEL`. */
  readonly origin?: string;
}

/** A file that cannot be used, with every reason at once. */
export class ProblemsError extends Error {
  override readonly name = "ProblemsError";
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map((problem) => formatProblem(file, problem)).join("\n"), options);
    this.file = file;
    this.problems = problems;
  }
}

/** `profiles.small.sizes[0].cpus` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const key = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
    return text ? `${text}.${key}` : key;
  }, "");
}

/** `node.yaml:3:5: log.level: "loud" … Must be one of …` */
export function formatProblem(file: string, problem: Problem): string {
  const { position, origin, given } = problem;
  const where = origin ?? (position ? `${file}:${position.line}:${position.column}` : file);
  const path = problem.path.length > 0 ? `${formatPath(problem.path)}: ` : "";
  return `${where}: ${path}${problem.message}${given === undefined ? "" : ` (given: ${given})`}`;
}
