// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Bench } from "./bench.ts";
import { FAKE, startNode } from "./node.ts";
import { endPod, sandboxConfig, startPod, startPods } from "./pod.ts";
import { memoryOf, onlyProcess } from "./proc.ts";
import { atMost, type Report, type Target } from "./report.ts";

const PODS = 500;
/** Without any call, so that what a start needed only for a moment can be given back. */
const REST_MS = 15_000;

export const memory: Bench = {
  name: "memory",
  about: "Resident memory (VmRSS of /proc/<pid>/status, 10^6 bytes) after 15 s without a call",
  async run(report, { count = PODS }) {
    await measureProcesses(report);
    await measureFake(report, count);
  },
};

/** The node and the agent of one pod, on `process`. */
async function measureProcesses(report: Report): Promise<void> {
  await using node = await startNode();
  const { runtime, config: { vmDirectory } } = node;
  await rest();
  show(report, "node, idle", node.process.pid, atMost(110));
  const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig(0) });
  await rest();
  show(report, "vmserver, idle, without a container", onlyProcess(vmDirectory, "vmserver").pid, atMost(60));
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
  const pod = await startPod(runtime, 1);
  await rest();
  show(report, "vmserver, idle, with a container", onlyProcess(vmDirectory, "vmserver").pid);
  show(report, "monitor of that container", onlyProcess(vmDirectory, "monitor").pid);
  await endPod(runtime, pod);
}

async function measureFake(report: Report, count: number): Promise<void> {
  await using node = await startNode(FAKE);
  await startPods(node.runtime, count);
  await rest();
  show(report, `node, ${count} pods of one container on fake`, node.process.pid, atMost(250));
}

function show(report: Report, name: string, pid: number, target?: Target): void {
  const { rss, anonymous } = memoryOf(pid);
  report.figure(name, rss, "MB", target);
  report.figure("  of that anonymous (RssAnon)", anonymous, "MB");
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}
