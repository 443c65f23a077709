// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { type CommandContext, UsageError } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { NodeClient, podPath } from "./node_client.ts";

/** `infranetes pod rm`: every pod is tried, whatever becomes of the others. */
export async function podRm(context: CommandContext): Promise<number> {
  const { args, terminal, signal } = context;
  const grace = args.text("grace");
  if (grace !== undefined && !/^\d+$/.test(grace)) {
    throw new UsageError(`--grace must be a number of seconds (given: "${grace}")`);
  }
  const namespace = args.text("namespace") ?? "default";
  const query = grace === undefined ? "" : `?grace=${grace}`;
  using client = new NodeClient(context);
  const outcomes = await Promise.allSettled(args.positionals.map(async (name) => {
    const response = await client.request("DELETE", podPath(namespace, name, query));
    await response.body?.cancel();
    terminal.print(`${namespace}/${name} removed`);
  }));
  const errors = outcomes.flatMap((outcome) => outcome.status === "rejected" ? [outcome.reason] : []);
  signal.throwIfAborted();
  if (errors.length === 1) throw errors[0];
  for (const error of errors) terminal.note(error instanceof Error ? error.message : String(error));
  return errors.length === 0 ? ExitCode.OK : ExitCode.FAILURE;
}
