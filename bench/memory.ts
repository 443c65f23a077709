// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { V8_FLAGS } from "../lib/v8_flags.ts";
import type { Bench } from "./bench.ts";
import { bundle } from "./bundle.ts";
import { FAKE, type NodeOptions, startNode } from "./node.ts";
import { endPod, sandboxConfig, startPod, startPods } from "./pod.ts";
import { type Memory, memoryOf, onlyProcess } from "./proc.ts";
import { atMost, type Report, type Target } from "./report.ts";

const PODS = 500;
/** Without any call, so that what a start needed only for a moment can be given back. */
const REST_MS = 15_000;

/** The programs in the form that executables carry, which is what a node and a VM run; then from the source tree. */
export const memory: Bench = {
  name: "memory",
  about: "Resident memory (VmRSS of /proc/<pid>/status, 10^6 bytes) after 15 s without a call",
  async run(report, { count = PODS }) {
    const folder = await Deno.makeTempDir({ prefix: "inf-bundle-" });
    try {
      await measureBundles(report, folder, count);
      await measureSources(report);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function measureBundles(report: Report, folder: string, count: number): Promise<void> {
  const main = join(folder, "infranetes.js");
  const agent = join(folder, "vmserver.js");
  await bundle("cri/main.ts", main);
  await bundle("agent/main.ts", agent);
  const options = ["--quiet", "--no-config", "--allow-all", `--v8-flags=${V8_FLAGS.vmserver}`];
  const agentCommand = [Deno.execPath(), "run", ...options, agent];
  // The first run of a program compiles all of it, keeps the code in Deno's cache, and is larger.
  const first = await idleMemory({ main, agentCommand }, 0);
  show(report, "node, idle, the first run of a build ever", first.node);
  const { node, vmserver } = await idleMemory({ main, agentCommand }, REST_MS);
  show(report, "node, idle", node, atMost(110));
  show(report, "vmserver, idle", vmserver, atMost(60));
  await measureFake(report, main, count);
}

/** Of a node before its first call, and of the agent of a pod without containers. */
async function idleMemory(options: NodeOptions, restMs: number) {
  await using node = await startNode(options);
  const { runtime, config: { vmDirectory }, process } = node;
  await rest(restMs);
  const idle = memoryOf(process.pid);
  const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig(0) });
  await rest(restMs);
  const vmserver = memoryOf(onlyProcess(vmDirectory, "vmserver").pid);
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
  return { node: idle, vmserver };
}

async function measureFake(report: Report, main: string, count: number): Promise<void> {
  await using node = await startNode({ config: FAKE, main });
  await startPods(node.runtime, count);
  await rest();
  show(report, `node, ${count} pods of one container on fake`, memoryOf(node.process.pid), atMost(250));
}

async function measureSources(report: Report): Promise<void> {
  await using node = await startNode();
  const { runtime, config: { vmDirectory } } = node;
  await rest();
  show(report, "node, idle, from source", memoryOf(node.process.pid));
  const pod = await startPod(runtime, 1);
  await rest();
  const pidOf = (program: "vmserver" | "monitor") => onlyProcess(vmDirectory, program).pid;
  show(report, "vmserver of a pod with one container, from source", memoryOf(pidOf("vmserver")));
  show(report, "monitor of that container, from source", memoryOf(pidOf("monitor")));
  await endPod(runtime, pod);
}

function show(report: Report, name: string, { rss, anonymous }: Memory, target?: Target): void {
  report.figure(name, rss, "MB", target);
  report.figure("  of that anonymous (RssAnon)", anonymous, "MB");
}

function rest(ms = REST_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
