// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { LogBench } from "./testing/log_bench.ts";
import { records } from "./testing/records.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;

Deno.test("LogWriter makes the file with its folders, records it once and appends", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  assert.equal(bench.read(), "");
  const { ino, dev } = await Deno.stat(bench.path);
  assert.deepEqual(bench.place, { base: 0, device: dev, inode: ino });
  await writer.append(encode(records(3)), never);
  await writer.append(encode(records(2, 3)), never);
  assert.equal(bench.read(), records(5));
  assert.equal(writer.position, records(5).length);
  assert.equal(bench.facts, 1);
});

Deno.test("LogWriter appends to a file that was there before without counting what it held", async () => {
  await using bench = new LogBench();
  await Deno.mkdir(join(bench.folder, "c"));
  await Deno.writeTextFile(bench.path, "of another time\n");
  const first = await bench.open();
  assert.equal(first.position, 0);
  await first.append(encode(records(1)), never);
  await bench.crash(first);
  const second = await bench.open();
  assert.equal(second.position, records(1).length);
  assert.equal(bench.read(), `of another time\n${records(1)}`);
});

Deno.test("LogWriter goes on where kill -9 cut a write, whichever byte that was", async () => {
  const text = records(3);
  for (let cut = 0; cut <= text.length; cut++) {
    await using bench = new LogBench();
    const first = await bench.open();
    bench.files.free = cut;
    const stop = new AbortController();
    const appending = first.append(encode(text), stop.signal);
    if (cut < text.length) await bench.clock.untilSleeping();
    stop.abort(new Error("Killed"));
    await appending.catch(() => {});
    await bench.crash(first);
    bench.files.free = Infinity;
    const second = await bench.open();
    assert.equal(second.position, cut);
    assert.equal(
      new TextDecoder().decode(second.begun),
      text.slice(text.lastIndexOf("\n", cut - 1) + 1, cut),
    );
    assert.equal(bench.facts, 1);
  }
});

Deno.test("LogWriter keeps what does not fit on a full disk and writes it when it does, nothing twice", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  bench.files.free = 100;
  let done = false;
  const appending = writer.append(encode(records(5)), never).then(() => done = true);
  await bench.clock.untilSleeping();
  assert.equal(bench.read(), records(5).slice(0, 100));
  for (let i = 0; i < 3; i++) {
    bench.clock.advance(1000);
    await bench.clock.untilSleeping();
  }
  assert.equal(bench.failed, 4);
  assert.equal(done, false);
  bench.files.free = 70;
  bench.clock.advance(1000);
  await bench.clock.untilSleeping();
  assert.equal(bench.read(), records(5).slice(0, 170));
  bench.files.free = Infinity;
  bench.clock.advance(1000);
  await appending;
  assert.equal(bench.read(), records(5));
});

Deno.test("LogWriter tells of a full disk once when it begins and once when it is over", async () => {
  const told: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { memory: (record) => void told.push(record) },
    loggers: [
      { category: ["infranetes", "logs"], sinks: ["memory"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  try {
    await using bench = new LogBench();
    const writer = await bench.open();
    bench.files.free = 0;
    const appending = writer.append(encode(records(5)), never);
    for (let i = 0; i < 5; i++) {
      await bench.clock.untilSleeping();
      bench.clock.advance(1000);
    }
    await bench.clock.untilSleeping();
    bench.files.free = Infinity;
    bench.clock.advance(1000);
    await appending;
  } finally {
    await reset();
  }
  assert.deepEqual(told.map(({ level }) => level), ["error", "info"]);
  assert.deepEqual(told[1]?.properties, { containerId: "c1", attempts: 6, ms: 6000 });
});

Deno.test("LogWriter meets a disk that is really full with the same error as the fake one", async () => {
  const full = await Deno.open("/dev/full", { write: true });
  await assert.rejects(full.write(new Uint8Array(1)), { code: "ENOSPC" });
  full.close();
});

Deno.test("LogWriter finds a rotated file again if the node died before the kubelet called", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(2)), never);
  await bench.crash(first);
  bench.rename("0.log", "0.log.20261121-070000");
  const second = await bench.open();
  assert.equal(second.position, records(2).length);
  await second.append(encode(records(1, 2)), never);
  await second.reopen(never);
  assert.equal(bench.read("0.log.20261121-070000"), records(3));
  assert.equal(bench.read(), "");
});

Deno.test("LogWriter begins anew where it was recorded if its file is gone", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(2)), never);
  bench.rename("0.log", "0.log.1");
  await first.reopen(never);
  await first.append(encode(records(2, 2)), never);
  await bench.crash(first);
  await Deno.remove(bench.path);
  const second = await bench.open();
  assert.equal(second.position, records(2).length);
  assert.equal(bench.read(), "");
});

Deno.test("LogWriter.sync() notices that somebody has emptied the file and stays right after a crash", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(3)), never);
  await Deno.truncate(bench.path);
  assert.equal(await first.sync(), records(3).length);
  await first.append(encode(records(1, 3)), never);
  await bench.crash(first);
  assert.equal((await bench.open()).position, records(4).length);
  assert.equal(bench.read(), records(1, 3));
});

Deno.test("LogWriter.skip() ends a half record and goes on behind the gap", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(2).slice(0, -3)), never);
  await bench.crash(first);
  const second = await bench.open();
  await second.skip(5000);
  await second.append(encode(records(1, 9)), never);
  await bench.crash(second);
  assert.equal((await bench.open()).position, 5000 + records(1, 9).length);
  assert.equal(bench.read(), `${records(2).slice(0, -3)}\n${records(1, 9)}`);
});
