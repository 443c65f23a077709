// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Bench } from "./bench.ts";
import { FAKE, startNode } from "./node.ts";
import { endPod, startPod } from "./pod.ts";
import { memoryOf } from "./proc.ts";
import { atMost } from "./report.ts";

const PODS = 10_000;

/** Compares memory after the first tenth with memory after all: what a pod leaves behind would show. */
export const churn: Bench = {
  name: "churn",
  about: "Pods in a row on fake: run, create, start, stop, remove",
  async run(report, { count = PODS }) {
    await using node = await startNode({ config: FAKE });
    const step = Math.max(1, Math.floor(count / 10));
    const memories: number[] = [];
    const begun = performance.now();
    for (let index = 0; index < count; index++) {
      await endPod(node.runtime, await startPod(node.runtime, index));
      if ((index + 1) % step !== 0) continue;
      const { rss, anonymous } = memoryOf(node.process.pid);
      memories.push(rss);
      const pods = index + 1;
      report.progress(`${pods} pods: ${rss.toFixed(0)} MB, of that anonymous ${anonymous.toFixed(0)} MB`);
    }
    const seconds = (performance.now() - begun) / 1000;
    const first = memories[0]!;
    const last = memories.at(-1)!;
    report.figure("whole lives of a pod, one after the other", count / seconds, "/s");
    report.figure(`node after ${step} pods`, first, "MB");
    report.figure(`node after ${count} pods`, last, "MB");
    report.figure("growth from one to the other", (last / first - 1) * 100, "%", atMost(15));
    const { items } = await node.runtime.listPodSandbox({});
    const { containers } = await node.runtime.listContainers({});
    report.figure("sandboxes and containers that are left", items.length + containers.length, "", atMost(0));
  },
};
