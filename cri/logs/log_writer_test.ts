// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { hiddenPath, type LogPlace } from "./log_place.ts";
import { LogWriter } from "./log_writer.ts";
import { FaultyFiles } from "./testing/faulty_files.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { records } from "./testing/records.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;

/** A log folder of a pod, and what the node has recorded of it. */
class Bench implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = join(this.folder, "c", "0.log");
  readonly files = new FaultyFiles();
  readonly clock = new ManualClock();
  place: LogPlace = { base: 0, device: null, inode: null };
  facts = 0;
  failed = 0;
  #writers: LogWriter[] = [];

  async open(): Promise<LogWriter> {
    const writer = await LogWriter.open({
      containerId: "c1",
      path: this.path,
      recorded: this.place,
      record: (place) => {
        this.files.before("record", "");
        this.place = place;
        this.facts++;
      },
      files: this.files,
      clock: this.clock,
      onfull: () => this.failed++,
    });
    this.#writers.push(writer);
    return writer;
  }

  /** What `kill -9` leaves: nothing of the process does anything any more. */
  async crash(writer: LogWriter): Promise<void> {
    this.files.before = () => {
      throw new Error("Killed");
    };
    await writer[Symbol.asyncDispose]();
    this.files.before = () => {};
  }

  names(): string[] {
    return [...Deno.readDirSync(join(this.folder, "c"))].map((entry) => entry.name).sort();
  }

  read(name = "0.log"): string {
    return Deno.readTextFileSync(join(this.folder, "c", name));
  }

  rename(from: string, to: string): void {
    Deno.renameSync(join(this.folder, "c", from), join(this.folder, "c", to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) await writer[Symbol.asyncDispose]();
    assert.equal(this.files.openFiles, 0, "a log file was left open");
    assert.equal(this.clock.sleeping, 0, "somebody still waits");
    Deno.removeSync(this.folder, { recursive: true });
  }
}

Deno.test("LogWriter makes the file with its folders, records it once and appends", async () => {
  await using bench = new Bench();
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
  await using bench = new Bench();
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
    await using bench = new Bench();
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
  await using bench = new Bench();
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

Deno.test("LogWriter meets a disk that is really full with the same error as the fake one", async () => {
  const full = await Deno.open("/dev/full", { write: true });
  await assert.rejects(full.write(new Uint8Array(1)), { code: "ENOSPC" });
  full.close();
});

Deno.test("LogWriter.reopen() goes on in a new file after the kubelet's rename", async () => {
  await using bench = new Bench();
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
  await using bench = new Bench();
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
  await using bench = new Bench();
  const writer = await bench.open();
  await writer.append(encode(records(2)), never);
  await writer.reopen(never);
  assert.equal(bench.facts, 1);
  assert.equal(bench.read(), records(2));
});

Deno.test("LogWriter.reopen() appends to a file that somebody else has made", async () => {
  await using bench = new Bench();
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
    await using bench = new Bench();
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
  await using bench = new Bench();
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
  await using bench = new Bench();
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
  await using bench = new Bench();
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
  await using bench = new Bench();
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

Deno.test("LogWriter finds a rotated file again if the node died before the kubelet called", async () => {
  await using bench = new Bench();
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

for (const renamedBack of [true, false]) {
  const kubelet = renamedBack ? "renames back" : "does nothing";
  for (const operation of ["open", "record", "link", "remove"]) {
    Deno.test(`LogWriter loses nothing if killed at '${operation}' of reopen() and the kubelet ${kubelet}`, async () => {
      await using bench = new Bench();
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

Deno.test("LogWriter begins anew where it was recorded if its file is gone", async () => {
  await using bench = new Bench();
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

Deno.test("LogWriter does not take a hidden file of a Reopen that never was for its own", async () => {
  await using bench = new Bench();
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

Deno.test("LogWriter.sync() notices that somebody has emptied the file and stays right after a crash", async () => {
  await using bench = new Bench();
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
  await using bench = new Bench();
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
