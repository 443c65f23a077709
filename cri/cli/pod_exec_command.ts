// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ExecBody } from "../http/api.ts";
import { decodeExecFrames } from "../http/exec_frames.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { NodeClient, NodeError, podPath } from "./node_client.ts";

/** `infranetes pod exec`: its exit code is that of the command. */
export async function podExec(context: CommandContext): Promise<number> {
  const { args, terminal, signal } = context;
  const command = args.rest ?? [];
  if (command.length === 0) {
    throw new UsageError("Which command? It goes after --, such as: pod exec NAME -- ls -l");
  }
  const container = args.text("container");
  const query = container === undefined ? "" : `?container=${encodeURIComponent(container)}`;
  using client = new NodeClient(context);
  const path = podPath(args.text("namespace") ?? "default", args.positionals[0]!, `/exec${query}`);
  const response = await client.request("POST", path, { command } satisfies ExecBody);
  for await (const frame of decodeExecFrames(response.body!)) {
    if (frame.kind === "exit") return frame.exitCode;
    if (frame.kind === "error") throw new NodeError(frame.error);
    terminal.write(frame.data, frame.kind);
  }
  signal.throwIfAborted();
  throw new Error("The node process ended the call before the command ended");
}
