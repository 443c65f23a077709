// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { type CommandContext, UsageError } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { NodeClient, podPath } from "./node_client.ts";

/** `infranetes pod logs` */
export async function podLogs(context: CommandContext): Promise<number> {
  const { args, terminal } = context;
  const query = new URLSearchParams();
  for (const flag of ["follow", "previous", "timestamps"]) if (args.has(flag)) query.set(flag, "true");
  const container = args.text("container");
  if (container !== undefined) query.set("container", container);
  const tail = args.text("tail");
  if (tail !== undefined && !/^\d+$/.test(tail)) {
    throw new UsageError(`--tail must be a number of lines (given: "${tail}")`);
  }
  if (tail !== undefined) query.set("tail", tail);
  using client = new NodeClient(context);
  const path = podPath(args.text("namespace") ?? "default", args.positionals[0]!, `/logs?${query}`);
  const response = await client.request("GET", path);
  for await (const chunk of response.body ?? []) terminal.write(chunk, "stdout");
  return ExitCode.OK;
}
