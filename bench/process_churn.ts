// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { type BenchNode, startNode } from "./node.ts";
import { endPod, startPod } from "./pod.ts";
import { descriptorsOf, memoryOf, processesNaming } from "./proc.ts";
import { exactly, type Report } from "./report.ts";

const PODS = 300;
/** Before the start values are taken: what is opened once, with the first pod, is no leak. */
const WARM_UP = 2;

interface Holdings {
  readonly descriptors: number;
  readonly processes: number;
  readonly rows: number;
  readonly files: number;
}

/** Everything that a pod could leave behind, counted before and after. */
export const processChurn: Bench = {
  name: "process300",
  about: "300 pods in a row on process, and what they leave behind",
  async run(report, { count = PODS }) {
    await using node = await startNode();
    const logDirectory = join(node.config.work, "logs");
    const lives = async (from: number, to: number) => {
      for (let index = from; index < to; index++) {
        const command = ["/bin/sh", "-c", "echo hello; exec sleep 1000000"];
        await endPod(node.runtime, await startPod(node.runtime, index, { command, logDirectory }));
        if ((index + 1) % 50 === 0) report.progress(`${index + 1} pods`);
      }
    };
    await lives(0, WARM_UP);
    const before = await settled(node);
    const begun = performance.now();
    await lives(WARM_UP, count + WARM_UP);
    report.figure(
      "whole lives of a pod, one after the other",
      count / (performance.now() - begun) * 1000,
      "/s",
    );
    compare(report, before, await settled(node));
    report.figure("node's memory afterwards", memoryOf(node.process.pid).rss, "MB");
  },
};

function compare(report: Report, before: Holdings, after: Holdings): void {
  const change = (name: keyof Holdings) => after[name] - before[name];
  report.figure(
    `file descriptors of the node beyond ${before.descriptors}`,
    change("descriptors"),
    "",
    exactly(0),
  );
  report.figure(`processes beyond ${before.processes}`, change("processes"), "", exactly(0));
  report.figure(`rows of the fact file beyond ${before.rows}`, change("rows"), "", exactly(0));
  report.figure(`files of node and VMs beyond ${before.files}`, change("files"), "", exactly(0));
}

/** What is held when two looks in a row, half a second apart, see the same; at most ten seconds later. */
async function settled(node: BenchNode): Promise<Holdings> {
  let last = holdings(node);
  for (let looks = 0; looks < 20; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = holdings(node);
    if (JSON.stringify(now) === JSON.stringify(last)) return now;
    last = now;
  }
  return last;
}

function holdings({ config, process }: BenchNode): Holdings {
  return {
    descriptors: descriptorsOf(process.pid),
    processes: processesNaming(config.work).length,
    rows: rowsOf(config.stateDir),
    files: filesIn(config.stateDir) + filesIn(config.vmDirectory),
  };
}

/** All rows of all tables of the fact file. Of a copy, because the node has locked its own; it writes nothing now. */
function rowsOf(stateDir: string): number {
  const copy = Deno.makeTempDirSync({ prefix: "inf-facts-" });
  try {
    for (const { name } of Deno.readDirSync(stateDir)) {
      if (name.startsWith("facts.sqlite")) Deno.copyFileSync(join(stateDir, name), join(copy, name));
    }
    using database = new DatabaseSync(join(copy, "facts.sqlite"));
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    if (tables.length === 0) throw new Error(`The fact file in ${stateDir} has no table`);
    return tables.reduce((sum, { name }) => {
      const { rows } = database.prepare(`SELECT count(*) AS rows FROM "${name}"`).get() as { rows: number };
      return sum + rows;
    }, 0);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

function filesIn(directory: string): number {
  let count = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    count += 1 + (isDirectory ? filesIn(join(directory, name)) : 0);
  }
  return count;
}
