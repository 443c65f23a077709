// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Bench } from "./bench.ts";
import { startNode } from "./node.ts";
import { sandboxConfig } from "./pod.ts";
import { memoryOf } from "./proc.ts";
import { atMost } from "./report.ts";
import { StandInAgent } from "./stand_in_agent.ts";

const SESSIONS = 10_000;

/** Sessions one after the other at the node's own listener, as its one VM: TLS, upgrade, Hello, Watch, end. */
export const sessions: Bench = {
  name: "sessions",
  about: "Link sessions opened and closed, and what the node holds then",
  async run(report, { count = SESSIONS }) {
    // More than the one VM of a real node would ever be allowed.
    const limits = { linksPerSecond: 10_000, failuresPerSecond: 10_000 };
    const link = { host: "127.0.0.1", port: 0, addresses: ["127.0.0.1"], limits };
    await using node = await startNode({ link });
    const config = sandboxConfig(0);
    const { podSandboxId } = await node.runtime.runPodSandbox({ config });
    using agent = StandInAgent.replace(node.config, podSandboxId);
    const { pid } = node.process;
    report.figure("node before", memoryOf(pid).rss, "MB");
    const step = Math.max(1, Math.floor(count / 10));
    const begun = performance.now();
    for (let done = 1; done <= count; done++) {
      await agent.session();
      if (done % step !== 0) continue;
      const { rss, anonymous } = memoryOf(pid);
      report.progress(`${done} sessions: ${rss.toFixed(0)} MB, of that anonymous ${anonymous.toFixed(0)} MB`);
    }
    const { rss, anonymous } = memoryOf(pid);
    report.figure("sessions", count / (performance.now() - begun) * 1000, "/s");
    report.figure(`node after ${count} sessions`, rss, "MB", atMost(320));
    report.figure("  of that anonymous (RssAnon)", anonymous, "MB");
    await node.runtime.stopPodSandbox({ podSandboxId });
    await node.runtime.removePodSandbox({ podSandboxId });
  },
};
