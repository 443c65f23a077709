// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { type BenchNode, startNode } from "./node.ts";
import { sandboxConfig } from "./pod.ts";
import { atMost } from "./report.ts";
import { Samples, timed } from "./samples.ts";

const PODS = 40;
const WARM_UP = 3;

interface Info {
  readonly instanceId: string;
  readonly phases: Readonly<Record<string, number>>;
}

/** RunPodSandbox, one after the other, less the time from each agent's birth to its first connection, which is Deno's start. */
export const podStart: Bench = {
  name: "pod_start",
  about: "RunPodSandbox on process, one after the other",
  async run(report, { count = PODS }) {
    await using node = await startNode();
    const totals = new Samples();
    const own = new Samples();
    const enrolled = new Samples();
    const phases = new Map<string, Samples>();
    for (let index = 0; index < count + WARM_UP; index++) {
      const start = await startOnce(node, index);
      if (index < WARM_UP) continue;
      totals.add(start.total);
      own.add(start.total - start.phases.agent!);
      enrolled.add(start.phases.create! + start.sinceEnrolled);
      for (const [name, ms] of Object.entries(start.phases)) {
        if (!phases.has(name)) phases.set(name, new Samples());
        phases.get(name)!.add(ms);
      }
    }
    report.figure(`our own share of RunPodSandbox, p50 of ${count}`, own.median, "ms", atMost(40));
    report.figure("  p90", own.quantile(0.9), "ms");
    report.figure(
      "  of that without enrolment: create, and what follows the certificate",
      enrolled.median,
      "ms",
    );
    report.figure("RunPodSandbox, p50", totals.median, "ms");
    report.figure("  p90", totals.quantile(0.9), "ms");
    for (const [name, samples] of phases) report.figure(`phase ${name}, p50`, samples.median, "ms");
  },
};

async function startOnce({ runtime, config: { vmDirectory } }: BenchNode, index: number) {
  const config = sandboxConfig(index);
  let podSandboxId = "";
  const total = await timed(async () => ({ podSandboxId } = await runtime.runPodSandbox({ config })));
  const answeredAt = Date.now();
  const { info } = await runtime.podSandboxStatus({ podSandboxId, verbose: true });
  const { phases, instanceId } = JSON.parse(info.info!) as Info;
  if (typeof phases.agent !== "number") throw new Error("The agent has not said how long its start took");
  const sinceEnrolled = answeredAt - await enrolledAt(join(vmDirectory, instanceId, "agent.log"));
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
  return { total, phases, sinceEnrolled };
}

/** When the agent logged that it has a certificate, in milliseconds since the Unix epoch. */
async function enrolledAt(log: string): Promise<number> {
  const text = await Deno.readTextFile(log);
  const [, time] = /^(\S+) info link: .* is enrolled$/m.exec(text) ?? [];
  if (time === undefined) throw new Error(`No enrolment is in ${log}:\n${text}`);
  return Date.parse(time);
}
