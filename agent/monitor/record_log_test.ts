// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { listSegments } from "../spool/segments.ts";
import { SpoolWriter } from "../spool/writer.ts";
import { Framer } from "./framer.ts";
import { RecordLog } from "./record_log.ts";

const STAMP = "2026-11-21T07:00:00.123456789Z";

/** A log of at most `limit` bytes in files of `segmentBytes`. */
function open(limit: number, segmentBytes: number) {
  const directory = Deno.makeTempDirSync();
  const writer = new SpoolWriter(directory, { limit, segmentBytes });
  const log = new RecordLog(writer, () => STAMP);
  const stdout = new Framer("stdout", log);
  const stderr = new Framer("stderr", log);
  const push = (framer: Framer, text: string) => framer.push(new TextEncoder().encode(text), STAMP);
  return {
    writer,
    log,
    out: (text: string) => push(stdout, text),
    err: (text: string) => push(stderr, text),
    /** As the agent does when the node has everything. */
    trimAll() {
      for (const { name } of listSegments(directory).slice(0, -1)) Deno.removeSync(`${directory}/${name}`);
    },
    text: () =>
      listSegments(directory).map(({ name }) => Deno.readTextFileSync(`${directory}/${name}`)).join(""),
    [Symbol.dispose]() {
      writer[Symbol.dispose]();
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

const record = (stream: string, tag: string, text: string) => `${STAMP} ${stream} ${tag} ${text}\n`;
const notice = (count: number) =>
  record(
    "stderr",
    "F",
    `infranetes: ${count} log records are missing here: the log waiting for the node was full`,
  );

Deno.test("RecordLog drops the newest records when it is full, counts them and says so where they are missing", () => {
  using test = open(1000, 100);
  for (let i = 0; i < 30; i++) test.out(`line ${String(i).padStart(2, "0")} ${"x".repeat(40)}\n`);
  const kept = test.text().split("\n").length - 1;
  assert(kept > 5 && kept < 30);
  assert.equal(test.log.dropped, 30 - kept);
  test.trimAll();
  test.out("after\n");
  assert(test.text().endsWith(notice(30 - kept) + record("stdout", "F", "after")));
  assert.equal(test.log.dropped, 30 - kept);
});

Deno.test("RecordLog does not go on before an eighth of it is free", () => {
  using test = open(1600, 100);
  for (let i = 0; i < 40; i++) test.out("x".repeat(59) + "\n");
  const dropped = test.log.dropped;
  // It was full with room for a short record all the time.
  test.out("\n");
  assert.equal(test.log.dropped, dropped + 1);
});

Deno.test("RecordLog ends a line of which only the beginning is in the log", () => {
  using test = open(40_000, 10_000);
  test.out("x".repeat(16_384 + 5));
  test.err("y".repeat(20_000) + "\n");
  test.out("z".repeat(20_000));
  assert.equal(test.log.dropped, 1);
  test.trimAll();
  test.out("tail\nnext\n");
  assert.equal(test.log.dropped, 2);
  // Of stderr nothing is unfinished.
  const end = record("stdout", "F", "") + notice(2) + record("stdout", "F", "next");
  assert(test.text().endsWith(`y\n${end}`), test.text().slice(-400));
});

Deno.test("RecordLog says at the end what is missing there, even when it is full", () => {
  using test = open(1000, 100);
  for (let i = 0; i < 20; i++) test.out("x".repeat(60) + "\n");
  const { dropped } = test.log;
  test.log.end();
  assert(dropped > 0);
  assert(test.text().endsWith(notice(dropped)));
  test.log.end();
  assert.equal(test.text().split(notice(dropped)).length, 2);
});
