// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { AgentLink } from "../cri/agent_link.ts";
import { systemLogFiles } from "../cri/logs/log_files.ts";
import { LogFollower } from "../cri/logs/log_follower.ts";
import { RecordFramer } from "../cri/logs/record_framer.ts";
import { LogWriter } from "../cri/logs/log_writer.ts";
import { systemClock } from "../lib/clock.ts";
import { Containers } from "../protocol/gen/agent_pb.ts";
import { Router, Session, transportPair } from "../protocol/link/session.ts";
import type { Bench } from "./bench.ts";
import { forgetPeak, memoryOf } from "./proc.ts";
import { atLeast, type Report } from "./report.ts";

const MEGABYTES = 500;
const LINE_LENGTHS = [100, 1024];
/** As the agent cuts its log. */
const CHUNK_BYTES = 60 * 1024;

/** The node's half of a log's way: link session in memory, framing checked, appended, made durable, trimmed. */
export const logAppend: Bench = {
  name: "log_append",
  about: "Log records from a link session in memory through the node's check into a file",
  async run(report, { count = MEGABYTES }) {
    for (const length of LINE_LENGTHS) {
      checkAlone(report, length, count * 1e6);
      await measure(report, length, count * 1e6);
    }
  },
};

/** Chunks that do not end where records end, as in earnest. */
function* chunks(length: number, bytes: number): Generator<Uint8Array<ArrayBuffer>> {
  const record = new TextEncoder().encode(
    `2026-11-21T07:00:00.123456789Z stdout F ${"x".repeat(length - 1)}\n`,
  );
  const block = new Uint8Array(record.length * Math.ceil(CHUNK_BYTES / record.length) * 2);
  for (let at = 0; at < block.length; at += record.length) block.set(record, at);
  const whole = Math.ceil(bytes / record.length) * record.length;
  for (let at = 0; at < whole; at += CHUNK_BYTES) {
    const from = at % record.length;
    yield block.slice(from, from + Math.min(CHUNK_BYTES, whole - at));
  }
}

function checkAlone(report: Report, length: number, bytes: number): void {
  const framer = new RecordFramer();
  let passed = 0;
  const begun = performance.now();
  for (const chunk of chunks(length, bytes)) passed += framer.push(chunk).length;
  report.figure(`${length}-byte lines: checked only`, passed / 1e3 / (performance.now() - begun), "MB/s");
}

async function measure(report: Report, length: number, bytes: number): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [ours, theirs] = transportPair();
  let trims = 0;
  const router = new Router().service(Containers, {
    async *logs() {
      let offset = 0n;
      for (const data of chunks(length, bytes)) {
        yield { offset, data };
        offset += BigInt(data.length);
      }
    },
    trimLogs: () => (trims++, {}),
  });
  const agent = new Session(theirs, { role: "dialer", router });
  const session = new Session(ours, { role: "listener" });
  const link = { vmId: "vm", session, containers: session.client(Containers), closed: session.closed };
  const sink = await LogWriter.open({
    containerId: "c1",
    path: join(folder, "0.log"),
    recorded: { base: 0, device: null, inode: null },
    record: () => {},
    files: systemLogFiles,
    clock: systemClock,
  });
  forgetPeak(Deno.pid);
  const before = memoryOf(Deno.pid).rss;
  const begun = performance.now();
  const agents = { waitFor: () => Promise.resolve(link as unknown as AgentLink) };
  const follower = new LogFollower({ containerId: "c1", vmId: "vm", sink, agents, clock: systemClock });
  await follower.drain(Infinity, { stallMs: 60_000, signal: new AbortController().signal });
  const seconds = (performance.now() - begun) / 1000;
  await follower.stop();
  report.figure(`${length}-byte lines: in the file`, sink.position / 1e6 / seconds, "MB/s", atLeast(50));
  report.figure("  growth of this process's memory at its peak", memoryOf(Deno.pid).peak - before, "MB");
  report.figure("  times made durable and trimmed", trims, "");
  session.close("Done");
  agent.close("Done");
  await Deno.remove(folder, { recursive: true });
}
