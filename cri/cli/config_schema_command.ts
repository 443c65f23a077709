// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { configJsonSchema } from "../config/json_schema.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";

/** `infranetes config schema` */
export function configSchemaCommand({ terminal }: CommandContext): Promise<number> {
  terminal.print(JSON.stringify(configJsonSchema(), null, 2));
  return Promise.resolve(ExitCode.OK);
}
