// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { DemoNode } from "./node_process.ts";

const FOLLOW_MS = 10_000;

/** Follows a pod's log until the line with this number. Answers the last few lines. */
export async function followLog(
  node: DemoNode,
  pod: string,
  until: number,
  signal: AbortSignal,
): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FOLLOW_MS)]);
  const child = node.spawn("pod", "logs", pod, "--follow");
  const stop = () => child.kill("SIGTERM");
  limit.addEventListener("abort", stop, { once: true });
  let text = "";
  try {
    for await (
      const part of child.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    ) {
      text += part;
      if (new RegExp(`^Line ${until}$`, "m").test(text)) break;
    }
  } finally {
    limit.removeEventListener("abort", stop);
    await end(child);
  }
  signal.throwIfAborted();
  if (limit.aborted) throw new Error(`Line ${until} of the log did not come within ${FOLLOW_MS / 1000} s`);
  return text.trimEnd().split("\n").slice(-5).join("\n");
}

async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
  await child.status;
}
