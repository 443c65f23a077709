// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { loadConfig } from "../config/load.ts";
import { OVERRIDES, unknownVariables } from "../config/overrides.ts";
import type { NodeConfig } from "../config/schema.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";

const DEFAULT_FILE = "/etc/infranetes/config.yaml";

/** The file that a command is about: its flag or word, else INFRANETES_CONFIG, else the default. */
export function configFile({ args, environment }: CommandContext): string {
  return args.text("config") ?? args.positionals[0] ?? (environment.INFRANETES_CONFIG || DEFAULT_FILE);
}

/**
 * Loads the configuration that a command line asks for. Variables that only look like ours are told, not refused.
 *
 * @throws {ProblemsError} with `exitCode` 2
 */
export async function configOf(context: CommandContext): Promise<NodeConfig> {
  const { args, environment, terminal } = context;
  for (const name of unknownVariables(environment)) {
    terminal.note(`Ignored: ${name} is no variable of Infranetes`);
  }
  const named = OVERRIDES.flatMap(({ flag }) => flag === undefined ? [] : [[flag, args.text(flag)] as const]);
  try {
    return await loadConfig(configFile(context), {
      environment,
      flags: Object.fromEntries(named),
      hostname: Deno.hostname(),
    });
  } catch (error) {
    throw Object.assign(error as Error, { exitCode: ExitCode.USAGE });
  }
}
