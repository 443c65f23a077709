// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import type { Cluster } from "./cluster.ts";

export interface FollowOptions {
  /** Done once, in the middle: as soon as so many lines are there. */
  readonly at: number;
  readonly act: () => Promise<void>;
  /** Where to stop. */
  readonly upTo: number;
}

/**
 * Follows a counting pod's log by the kubelet until it printed `line <upTo>`, does something in the middle, and checks that
 * from the first to that line each number stands there exactly once and in order.
 */
export async function follow(cluster: Cluster, pod: string, { at, act, upTo }: FollowOptions): Promise<void> {
  const { bin, work } = cluster.options;
  const child = new Deno.Command(`${bin}/kubectl`, {
    args: ["--kubeconfig", `${work}/kubeconfig`, "logs", "-f", pod],
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(90_000),
  }).spawn();
  const numbers: number[] = [];
  let rest = "";
  let acted: Promise<void> | undefined;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const number = /^line (\d+)$/.exec(line)?.[1];
      if (number !== undefined) numbers.push(Number(number));
    }
    const last = numbers.at(-1) ?? 0;
    if (last >= at) acted ??= act();
    if (last >= upTo) break;
  }
  child.kill("SIGKILL");
  await child.status;
  await acted;
  assert.ok((numbers.at(-1) ?? 0) >= upTo, `the log ended at line ${numbers.at(-1)}, before line ${upTo}`);
  const wrong = numbers.findIndex((number, index) => number !== index + 1);
  assert.equal(wrong, -1, `after line ${numbers[wrong - 1]} came line ${numbers[wrong]}`);
}
