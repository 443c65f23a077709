// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { InvalidArgumentError } from "../../lib/errors.ts";
import { formatPath, type Problem } from "../config/problem.ts";

/** A manifest that cannot be run, with every reason at once. */
export class ManifestError extends InvalidArgumentError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ path, message, given }) =>
      `${path.length > 0 ? `${formatPath(path)}: ` : ""}${message}${
        given === undefined ? "" : ` (given: ${given})`
      }`
    );
    super(`The manifest cannot be run: ${lines.join("; ")}`);
    this.problems = problems;
  }
}
