// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { hiddenPath } from "./log_place.ts";
import { LogBench } from "./testing/log_bench.ts";
import { records } from "./testing/records.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;

Deno.test("LogWriter.reopen() goes on in a new file after the kubelet's rename", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  bench.rename("0.log", "0.log.20261121-070000");
  await writer.append(encode(records(1, 2)), never);
  await writer.reopen(never);
  assert.equal(bench.read(), "");
  await writer.append(encode(records(2, 3)), never);
  assert.equal(bench.read("0.log.20261121-070000"), records(3));
  assert.equal(bench.read(), records(2, 3));
  assert.deepEqual(bench.names(), ["0.log", "0.log.20261121-070000"]);
  assert.equal(bench.place.base, records(3).length);
  assert.equal(bench.place.inode, (await Deno.stat(bench.path)).ino);
});

Deno.test("LogWriter.reopen() makes the old file durable before the new position can be said to be", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  bench.rename("0.log", "0.log.1");
  bench.files.before = (operation) => {
    if (operation === "sync") throw new Error("Input/output error");
  };
  await assert.rejects(writer.reopen(never), /could not be made durable: Input\/output error/);
  assert.deepEqual(bench.names(), ["0.log.1"]);
  bench.files.before = () => {};
  await writer.reopen(never);
  assert.equal(bench.files.syncs, 1);
});

Deno.test("LogWriter.reopen() changes nothing while the file still has its name", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  await writer.reopen(never);
  assert.equal(bench.facts, 1);
  assert.equal(bench.read(), records(2));
});

Deno.test("LogWriter.reopen() appends to a file that somebody else has made", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  bench.rename("0.log", "0.log.1");
  await Deno.writeTextFile(bench.path, "made by hand\n");
  await writer.reopen(never);
  await writer.append(encode(records(1, 2)), never);
  await bench.crash(writer);
  assert.equal((await bench.open()).position, records(3).length);
  assert.equal(bench.read(), `made by hand\n${records(1, 2)}`);
});

for (const operation of ["record", "open", "link"]) {
  Deno.test(`LogWriter.reopen() has made no file when it fails at '${operation}'`, async () => {
    await using bench = new LogBench();
    const writer = await bench.open();
    await writer.append(encode(records(2)), never);
    bench.rename("0.log", "0.log.1");
    let failures = 1;
    bench.files.before = (name) => {
      if (name === operation && failures-- > 0) throw new Error("No space left on device");
    };
    await assert.rejects(writer.reopen(never));
    assert.deepEqual(bench.names(), ["0.log.1"]);
    assert.equal(bench.place.base, 0);
    // As the kubelet does after an error.
    bench.rename("0.log.1", "0.log");
    await writer.append(encode(records(1, 2)), never);
    assert.equal(bench.read(), records(3));
    await bench.crash(writer);
    assert.equal((await bench.open()).position, records(3).length);
  });
}

Deno.test("LogWriter.reopen() does not replace a file that appears at the last moment", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  bench.rename("0.log", "0.log.1");
  bench.files.before = (operation) => {
    // A kubelet that has given up waiting takes its renaming back.
    if (operation === "link") bench.rename("0.log.1", "0.log");
  };
  await assert.rejects(writer.reopen(never), { name: "UnavailableError" });
  assert.deepEqual(bench.names(), ["0.log"]);
  await writer.append(encode(records(1, 2)), never);
  assert.equal(bench.read(), records(3));
});

Deno.test("LogWriter appends nothing while the fact names a file that it did not get", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  await writer.append(encode(records(1)), never);
  bench.rename("0.log", "0.log.1");
  let facts = 0;
  bench.files.before = (operation) => {
    if (operation === "link") throw new Error("Read-only file system");
    if (operation === "record" && ++facts > 1) throw new Error("Fact file is full");
  };
  await assert.rejects(writer.reopen(never), /could not get its name/);
  bench.rename("0.log.1", "0.log");
  const appending = writer.append(encode(records(1, 1)), never);
  await bench.clock.untilSleeping();
  assert.equal(bench.read(), records(1));
  bench.files.before = () => {};
  bench.clock.advance(1000);
  await appending;
  await bench.crash(writer);
  assert.equal((await bench.open()).position, records(2).length);
  assert.equal(bench.read(), records(2));
});

Deno.test("LogWriter.reopen() ends the old file with a whole record", async () => {
  await using bench = new LogBench();
  const writer = await bench.open();
  bench.files.free = records(2).length + 20;
  const appending = writer.append(encode(records(4)), never);
  await bench.clock.untilSleeping();
  bench.rename("0.log", "0.log.1");
  await assert.rejects(writer.reopen(never), /last record could not be completed: No space left/);
  assert.deepEqual(bench.names(), ["0.log.1"]);
  bench.files.free = Infinity;
  await writer.reopen(never);
  assert.equal(bench.read("0.log.1"), records(3));
  bench.clock.advance(1000);
  await appending;
  assert.equal(bench.read(), records(1, 3));
});

Deno.test("LogWriter.reopen() waits for a record that a crash cut, until its caller gives up", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(2).slice(0, -7)), never);
  await bench.crash(first);
  const second = await bench.open();
  bench.rename("0.log", "0.log.1");
  const tired = new AbortController();
  const failing = second.reopen(tired.signal);
  tired.abort(new Error("Deadline"));
  await assert.rejects(failing, /Deadline/);
  assert.deepEqual(bench.names(), ["0.log.1"]);
  const reopening = second.reopen(never);
  await second.append(encode(records(3).slice(records(2).length - 7)), never);
  await reopening;
  // Where the new file begins is free, but that it begins with a record.
  assert.ok([records(2), records(3)].includes(bench.read("0.log.1")));
  assert.equal(bench.read("0.log.1") + bench.read(), records(3));
});

for (const renamedBack of [true, false]) {
  const kubelet = renamedBack ? "renames back" : "does nothing";
  for (const operation of ["open", "record", "link", "remove"]) {
    Deno.test(`LogWriter loses nothing if killed at '${operation}' of reopen() and the kubelet ${kubelet}`, async () => {
      await using bench = new LogBench();
      const first = await bench.open();
      await first.append(encode(records(2)), never);
      bench.rename("0.log", "0.log.1");
      let passed = operation === "remove" ? 1 : 0; // The first one is before the new file.
      let killed = false;
      bench.files.before = (name) => {
        killed ||= name === operation && passed-- === 0;
        if (killed) throw new Error("Killed");
      };
      await first.reopen(never).catch(() => {});
      assert.ok(killed);
      await bench.crash(first);
      if (renamedBack && operation !== "remove") bench.rename("0.log.1", "0.log");
      const second = await bench.open();
      assert.equal(second.position, records(2).length);
      await second.append(encode(records(1, 2)), never);
      await second.reopen(never);
      await second.append(encode(records(1, 3)), never);
      const whole = bench.names().reverse().map((name) => bench.read(name)).join("");
      assert.equal(whole, records(4));
      assert.ok(bench.names().includes("0.log"));
      assert.ok(!bench.names().some((name) => name.startsWith(".")), "a hidden file was left");
    });
  }
}

Deno.test("LogWriter does not take a hidden file of a Reopen that never was for its own", async () => {
  await using bench = new LogBench();
  const first = await bench.open();
  await first.append(encode(records(1)), never);
  await bench.crash(first);
  await Deno.writeTextFile(hiddenPath(bench.path), "");
  const second = await bench.open();
  assert.equal(second.position, records(1).length);
  bench.rename("0.log", "0.log.1");
  await second.reopen(never);
  assert.deepEqual(bench.names(), ["0.log", "0.log.1"]);
});
