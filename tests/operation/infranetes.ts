// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import type { TestNode } from "../node_config.ts";

const MAIN = join(import.meta.dirname!, "..", "..", "cri", "main.ts");

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `infranetes` with these words, as a process that is not started yet. */
export function command(words: readonly string[], env: Record<string, string> = {}): Deno.Command {
  const args = ["run", "-A", "--quiet", MAIN, ...words];
  return new Deno.Command(Deno.execPath(), { args, env, stdin: "null", stdout: "piped", stderr: "piped" });
}

/** Runs `infranetes` to its end. */
export async function infranetes(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await command(words, env).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs `infranetes` against the node's client socket. */
export function client(node: TestNode, ...words: string[]): Promise<Outcome> {
  return infranetes(words, { INFRANETES_CLIENT_SOCKET: node.clientSocket });
}
