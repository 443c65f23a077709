// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Code } from "../../protocol/status.ts";
import { monitorCommand } from "../../agent/engines/exec/monitor_process.ts";
import { readLog, records, rejects, untilLogged } from "./calls.ts";
import { LocalAgent } from "./local_agent.ts";
import { shell } from "./requests.ts";

const MEBIBYTE = 1024 * 1024;
const FULL = /infranetes: (\d+) log records are missing here: (.*)$/;

Deno.test("Logs go on from any record on and are trimmed behind the node", async () => {
  await using agent = await LocalAgent.start();
  const { containers, directory } = agent;
  await containers.create(shell("c1", "seq 1 200000"));
  await containers.start({ containerId: "c1" });
  const log = await readLog(containers, "c1");
  assert.deepEqual(
    records(log).map((line) => Number(line.slice(9))),
    Array.from({ length: 200_000 }, (_, i) => i + 1),
  );
  const half = log.indexOf("\n", log.length / 2) + 1;
  assert.equal(await readLog(containers, "c1", half), log.slice(half));
  await containers.trimLogs({ containerId: "c1", durableOffset: BigInt(half) });
  assert.equal(await readLog(containers, "c1", half), log.slice(half));
  await rejects(readLog(containers, "c1", 0), Code.OUT_OF_RANGE, /offset 0 was trimmed/);
  await rejects(readLog(containers, "c1", log.length + 1), Code.OUT_OF_RANGE, /behind the end/);
  await containers.trimLogs({ containerId: "c1", durableOffset: BigInt(log.length) });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${directory}/containers/c1/log`)), []);
  assert.equal(await readLog(containers, "c1", log.length), "");
});

Deno.test("Logs cut lines at 16 KiB and end the last one", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "head -c 40000 /dev/zero | tr '\\0' x; printf '\\nend'"));
  await containers.start({ containerId: "c1" });
  const lines = records(await readLog(containers, "c1"));
  const shape = lines.map((line) => `${line.slice(0, 8)} ${line.length - 9}`);
  assert.deepEqual(shape, ["stdout P 16384", "stdout P 16384", "stdout F 7232", "stdout F 3"]);
});

Deno.test("Logs drop the newest records when nobody fetches them, count them, and say where they are missing", async () => {
  await using agent = await LocalAgent.start({ engine: { logLimit: MEBIBYTE } });
  const { containers } = agent;
  // Files of half the limit: one can be trimmed while the other is written to.
  await containers.create(
    shell("c1", "seq -f %0100g 1 20000; echo full >&2; read go < fifo; echo after", {
      workingDir: agent.directory,
    }),
  );
  await new Deno.Command("mkfifo", { args: [`${agent.directory}/fifo`] }).output();
  await containers.start({ containerId: "c1" });
  // Opening waits for the other end: by then all is written.
  using fifo = await Deno.open(`${agent.directory}/fifo`, { write: true });
  await containers.trimLogs({ containerId: "c1", durableOffset: BigInt(MEBIBYTE) });
  await fifo.write(new TextEncoder().encode("go\n"));
  const { log } = agent.agent.containers.get("c1")!.engine;
  const lines = records(await readLog(containers, "c1", log.start));
  const { state } = await containers.stop({ containerId: "c1" });
  const notices = lines.filter((line) => FULL.test(line));
  const missing = Number(FULL.exec(notices[0]!)?.[1]);
  // The two outputs are two pipes: what came by the other one may stand before or behind, or be missing.
  const written = lines.filter((line) => line.startsWith("stdout"));
  assert.deepEqual([notices.length, written.at(-1)], [1, "stdout F after"]);
  assert.match(notices[0]!, /^stderr F .* here: the log waiting for the node was full$/);
  assert.equal(Number(state?.logRecordsDropped), missing);
  // What is there, what is missing and what was trimmed make up all that was written.
  const trimmed = Math.round(log.start / 141);
  assert.equal(trimmed + lines.length - 1 + missing, 20_002);
  assert(Number(state?.logEnd) - log.start <= MEBIBYTE);
});

Deno.test("Logs survive a full disk: the container runs on, what is missing is counted, its end is told", async () => {
  // A limit on the size of files: what a full disk looks like to whoever writes, without being root.
  const script = 'trap "" XFSZ; ulimit -f 200; exec "$@"';
  const monitor = ["/bin/sh", "-c", script, "sh", ...monitorCommand()];
  await using agent = await LocalAgent.start({ engine: { monitor } });
  const { containers } = agent;
  await containers.create(shell("c1", "seq -f %0100g 1 20000; exit 6"));
  await containers.start({ containerId: "c1" });
  const lines = records(await readLog(containers, "c1"));
  const { state } = await containers.stop({ containerId: "c1" });
  assert.equal(state?.exitCode, 6);
  assert(lines.length > 300 && lines.length < 20_000);
  // Each file has a limit of its own, so that there may be room again: then a record says what is missing before it.
  let next = 1;
  let told = 0;
  for (const line of lines) {
    const [, missing, why] = FULL.exec(line) ?? [];
    if (missing === undefined) assert.equal(Number(line.slice(9)), next++);
    else {
      assert.equal(why, "the disk was full");
      told += Number(missing);
      next += Number(missing);
    }
  }
  const there = next - 1 - told;
  assert.equal(Number(state.logRecordsDropped), 20_000 - there);
});

Deno.test("Logs of several readers at once are the same", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "seq 1 50000"));
  const early = containers.start({ containerId: "c1" }).then(() => readLog(containers, "c1"));
  await untilLogged(containers, "c1", " 1\n").catch(() => {});
  const logs = await Promise.all([early, readLog(containers, "c1"), readLog(containers, "c1")]);
  assert.equal(records(logs[0]).length, 50_000);
  for (const log of logs) assert.equal(log, logs[0]);
});
