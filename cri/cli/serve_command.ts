// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { CommandContext } from "./command.ts";
import { configOf } from "./config_file.ts";
import { ExitCode } from "./exit_code.ts";

/** `infranetes serve`: until the signal fires. */
export async function serve(context: CommandContext): Promise<number> {
  const config = await configOf(context);
  const { serveNode } = await import("../serve.ts");
  await serveNode(config, { signal: context.signal, environment: context.environment });
  return ExitCode.OK;
}
