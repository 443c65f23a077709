// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as z from "zod";
import { parseRange } from "./addresses.ts";

export const processConfigSchema = z.strictObject({
  kind: z.literal("process"),
  directory: z.string().regex(/^\//, "Must be an absolute path").optional()
    .describe("Where the VMs' directories are. Default: one in the node's state directory"),
  addresses: z.string().default("127.64.0.0/10")
    .refine(
      (text) => parseRange(text) !== undefined,
      "Must be a range within 127.0.0.0/8, such as 127.64.0.0/10",
    )
    .describe("Addresses for the VMs, one each. Must lie within 127.0.0.0/8"),
  agentCommand: z.array(z.string().min(1)).min(1).optional()
    .describe("Command that is the agent. Default: vmserver beside this executable, or the source tree's"),
}).describe(
  "For development: each VM is a process on this machine, without any isolation. Needs `unsafe: true`",
);

export type ProcessConfig = z.output<typeof processConfigSchema>;
