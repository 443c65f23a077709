// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { formatPath, ProblemsError } from "../config/problem.ts";
import type { CommandContext } from "./command.ts";
import { configFile, configOf } from "./config_file.ts";
import { ExitCode } from "./exit_code.ts";

/** `infranetes config check`: exit code 0 or 2. */
export async function configCheck(context: CommandContext): Promise<number> {
  const json = context.args.text("output") === "json";
  try {
    await configOf(context);
  } catch (error) {
    if (!json || !(error instanceof ProblemsError)) throw error;
    const problems = error.problems.map((problem) => ({ ...problem, path: formatPath(problem.path) }));
    context.terminal.print(JSON.stringify({ file: error.file, problems }, null, 2));
    return ExitCode.USAGE;
  }
  const file = configFile(context);
  context.terminal.print(json ? JSON.stringify({ file, problems: [] }, null, 2) : `${file}: no problems`);
  return ExitCode.OK;
}
