// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import * as z from "zod";
import { configSchema } from "./schema.ts";

/** The configuration file as JSON Schema (draft 2020-12), for editors and for `docs/config.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: "input" });
  return { $schema, title: "Configuration of an Infranetes node", ...schema };
}
