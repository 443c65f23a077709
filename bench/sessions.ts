// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { type BenchNode, startNode } from "./node.ts";
import { sandboxConfig } from "./pod.ts";
import { memoryOf } from "./proc.ts";
import { atMost } from "./report.ts";
import { StandInAgent } from "./stand_in_agent.ts";

const SESSIONS = 10_000;
/** The node lets a VM open five links a second: it takes so many to open a hundred. */
const VMS = 20;

/** Sessions one after the other at the node's own listener: TCP, TLS, upgrade, Hello, Watch with its snapshot, end. */
export const sessions: Bench = {
  name: "sessions",
  about: "Link sessions opened and closed, and what the node holds then",
  async run(report, { count = SESSIONS }) {
    await using node = await startNode();
    using agents = await standInAgents(node);
    const { pid } = node.process;
    const before = memoryOf(pid);
    report.figure("node before", before.rss, "MB");
    const step = Math.max(1, Math.floor(count / 10));
    const begun = performance.now();
    for (let done = 1; done <= count; done++) {
      await agents.of(done).session();
      if (done % step !== 0) continue;
      const { rss, anonymous } = memoryOf(pid);
      report.progress(`${done} sessions: ${rss.toFixed(0)} MB, of that anonymous ${anonymous.toFixed(0)} MB`);
    }
    const { rss, anonymous } = memoryOf(pid);
    report.figure("sessions", count / (performance.now() - begun) * 1000, "/s");
    report.figure(`node after ${count} sessions`, rss, "MB", atMost(320));
    report.figure("  of that anonymous (RssAnon)", anonymous, "MB");
  },
};

interface StandInAgents extends Disposable {
  /** One after the other. */
  of(index: number): StandInAgent;
}

async function standInAgents({ runtime, config }: BenchNode): Promise<StandInAgents> {
  using stack = new DisposableStack();
  const agents: StandInAgent[] = [];
  for (let index = 0; index < VMS; index++) {
    const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig(index) });
    const { info } = await runtime.podSandboxStatus({ podSandboxId, verbose: true });
    const { instanceId } = JSON.parse(info.info!) as { instanceId: string };
    agents.push(stack.use(StandInAgent.replace(join(config.vmDirectory, instanceId), podSandboxId)));
  }
  const parts = stack.move();
  return { of: (index) => agents[index % VMS]!, [Symbol.dispose]: () => parts.dispose() };
}
