// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { LogTally } from "./log_tally.ts";
import { type BenchNode, startNode } from "./node.ts";
import { type BenchPod, endPod, startPod } from "./pod.ts";
import { forgetPeak, memoryOf, onlyProcess } from "./proc.ts";
import { atLeast, atMost, exactly, type Report } from "./report.ts";

/** What the container writes in one run. */
const MEGABYTES = 500;
const LINE_LENGTHS = [100, 1024];
const LINES_A_WRITE = 1000;
/** How often the file is looked at, and how long it must not grow to be whole. */
const LOOK_MS = 10;
const STILL_MS = 2_000;
/** Far below what goes through: nothing on the way may hold all of it. */
const MOST_PEAK_MB = 250;

/** Counted is what is in the node's file in the end: what agent and node have carried. */
export const logs: Bench = {
  name: "logs",
  about:
    "Log of a container that writes as fast as it can, through monitor, agent, link and node into its file",
  async run(report, { count = MEGABYTES }) {
    for (const length of LINE_LENGTHS) await measure(report, length, Math.floor(count * 1e6 / length));
  },
};

async function measure(report: Report, length: number, lines: number): Promise<void> {
  await using node = await startNode();
  const logDirectory = join(node.config.work, "logs");
  const file = join(logDirectory, "main.log");
  const { pod, go } = await startWriter(node, length, lines, logDirectory);
  const pids = pidsOf(node);
  for (const pid of Object.values(pids)) forgetPeak(pid);
  const begun = performance.now();
  await go();
  const seconds = (await lastGrowth(file) - begun) / 1000;
  const peaks = Object.entries(pids).map(([name, pid]) => [name, memoryOf(pid).peak] as const);
  // Its answer means that the log is complete: also the record that says what is missing at the end.
  await node.runtime.stopContainer({ containerId: pod.containerId, timeout: 1n });
  const tally = await LogTally.of(file, length);
  await endPod(node.runtime, pod);
  const rate = tally.bytes / 1e6 / seconds;
  const content = tally.lines * length / 1e6 / seconds;
  report.figure(`${length}-byte lines: log through agent and node into the file`, rate, "MB/s", atLeast(50));
  report.figure("  content alone, without CRI's time stamps", content, "MB/s");
  report.figure(`  of ${lines} lines dropped and counted, because the spool was full`, tally.counted, "");
  report.figure(
    "  lines that are neither there nor counted",
    lines - tally.lines - tally.counted,
    "",
    exactly(0),
  );
  for (const [name, peak] of peaks) {
    report.figure(`  peak memory of ${name} (VmHWM)`, peak, "MB", atMost(MOST_PEAK_MB));
  }
}

/**
 * A container that waits for the word to begin, and afterwards until it is stopped: its processes stay to be looked at.
 * It copies a file, which takes least of the CPU time that the log's way needs.
 */
async function startWriter(node: BenchNode, length: number, lines: number, logDirectory: string) {
  const word = join(node.config.work, "go");
  const { success } = await new Deno.Command("mkfifo", { args: [word] }).output();
  if (!success) throw new Error(`Cannot make the pipe ${word}`);
  const text = join(node.config.work, "text");
  await writeLines(text, length, lines);
  const command = ["/bin/sh", "-c", 'read -r _ <"$1"; cat "$2"; exec sleep 1000000', "sh", word, text];
  const pod: BenchPod = await startPod(node.runtime, 0, { command, logDirectory });
  return { pod, go: () => Deno.writeTextFile(word, "go\n") };
}

async function writeLines(path: string, length: number, lines: number): Promise<void> {
  const line = new TextEncoder().encode("x".repeat(length - 1) + "\n");
  const block = new Uint8Array(length * LINES_A_WRITE);
  for (let at = 0; at < block.length; at += length) block.set(line, at);
  using file = await Deno.open(path, { write: true, createNew: true });
  const writer = file.writable.getWriter();
  for (let left = lines; left > 0; left -= LINES_A_WRITE) {
    await writer.write(block.subarray(0, Math.min(left, LINES_A_WRITE) * length));
  }
}

function pidsOf({ config, process }: BenchNode): Readonly<Record<string, number>> {
  return {
    monitor: onlyProcess(config.vmDirectory, "monitor").pid,
    vmserver: onlyProcess(config.vmDirectory, "vmserver").pid,
    node: process.pid,
  };
}

/** When the file grew for the last time. */
async function lastGrowth(file: string): Promise<number> {
  let size = 0;
  let grownAt = performance.now();
  while (size === 0 || performance.now() - grownAt < STILL_MS) {
    const { size: now } = await Deno.stat(file);
    if (now > size) {
      size = now;
      grownAt = performance.now();
    }
    if (performance.now() - grownAt > 15 * STILL_MS) throw new Error(`Nothing is written to ${file}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return grownAt;
}
