// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Bench } from "./bench.ts";
import { startNode } from "./node.ts";
import { endPod, startPod } from "./pod.ts";
import { atMost } from "./report.ts";
import { Samples, timed } from "./samples.ts";

const CALLS = 500;
const WARM_UP = 20;

export const exec: Bench = {
  name: "exec",
  about: "ExecSync of /bin/true on process, one after the other",
  async run(report, { count = CALLS }) {
    await using node = await startNode();
    const pod = await startPod(node.runtime, 0);
    const request = { containerId: pod.containerId, cmd: ["/bin/true"], timeout: 10n };
    const times = new Samples();
    for (let i = 0; i < count + WARM_UP; i++) {
      const ms = await timed(async () => {
        const { exitCode } = await node.runtime.execSync(request);
        if (exitCode !== 0) throw new Error(`/bin/true has ended with ${exitCode}`);
      });
      if (i >= WARM_UP) times.add(ms);
    }
    await endPod(node.runtime, pod);
    report.figure(`ExecSync of /bin/true, p50 of ${count}`, times.median, "ms", atMost(15));
    report.figure("  p99", times.quantile(0.99), "ms");
  },
};
