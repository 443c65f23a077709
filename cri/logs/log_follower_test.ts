// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { DiscardingLog } from "./discarding_log.ts";
import { LogFollower } from "./log_follower.ts";
import type { LogPlace } from "./log_place.ts";
import { LogWriter } from "./log_writer.ts";
import { FakeLogAgent } from "./testing/fake_log_agent.ts";
import { FaultyFiles } from "./testing/faulty_files.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { bulk, records } from "./testing/records.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

/** A node that follows one container's log, with an agent on the other side. */
class Bench implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = join(this.folder, "0.log");
  readonly files = new FaultyFiles();
  readonly clock = new ManualClock();
  readonly agent = new FakeLogAgent();
  place: LogPlace = { base: 0, device: null, inode: null };
  writer!: LogWriter;
  #follower: LogFollower | undefined;

  async start(): Promise<LogFollower> {
    this.writer = await LogWriter.open({
      containerId: "c1",
      path: this.path,
      recorded: this.place,
      record: (place) => {
        this.files.before("record", "");
        this.place = place;
      },
      files: this.files,
      clock: this.clock,
    });
    return this.follow(this.writer);
  }

  follow(sink: LogWriter | DiscardingLog): LogFollower {
    this.#follower = new LogFollower({
      containerId: "c1",
      vmId: "vm",
      sink,
      agents: this.agent,
      clock: this.clock,
    });
    return this.#follower;
  }

  /** What `kill -9` leaves: nothing of the process does anything any more. */
  async crash(): Promise<void> {
    this.files.before = () => {
      throw new Error("Killed");
    };
    await this.#follower?.stop();
    this.files.before = () => {};
  }

  /** Everything in the current file and those that were rotated away, oldest first. */
  read(): string {
    const names = [...Deno.readDirSync(this.folder)].map((entry) => entry.name);
    const rotated = names.filter((name) => name.startsWith("0.log."));
    rotated.sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
    const current = names.includes("0.log") ? ["0.log"] : [];
    return [...rotated, ...current].map((name) => Deno.readTextFileSync(join(this.folder, name))).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower?.stop();
    assert.equal(this.files.openFiles, 0, "a log file was left open");
    assert.equal(this.clock.sleeping, 0, "somebody still waits");
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Generous: with a manual clock nothing stalls unless a test says so. */
const patient = { stallMs: 1000, signal: never };

Deno.test("LogFollower takes the log to the file, trims the agent's and ends", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.agent.write(records(10)).connect();
  await follower.drain(records(10).length, patient);
  assert.equal(bench.read(), records(10));
  assert.equal(follower.complete, false);
  bench.agent.write(records(5, 10)).end();
  await bench.agent.until(() => bench.agent.trims.length > 0);
  assert.equal(bench.read(), records(15));
  assert.ok(follower.complete);
  assert.deepEqual(bench.agent.trims, [records(15).length]);
  assert.equal(bench.files.syncs, 1);
});

Deno.test("LogFollower goes on in the next session where the file ends", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.agent.write(records(3)).connect();
  await follower.drain(records(3).length, patient);
  bench.agent.disconnect();
  bench.agent.write(records(3, 3));
  await bench.clock.untilSleeping();
  bench.clock.advance(100);
  bench.agent.connect();
  await follower.drain(records(6).length, patient);
  assert.deepEqual(bench.agent.asked, [0, records(3).length]);
  assert.equal(bench.read(), records(6));
});

Deno.test("LogFollower leaves half a record with the agent and asks for it again", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  const half = records(4).length - 9;
  bench.agent.write(records(4).slice(0, half)).connect();
  await follower.drain(records(3).length, patient);
  assert.equal(bench.read(), records(3));
  bench.agent.disconnect();
  await bench.clock.untilSleeping();
  bench.clock.advance(100);
  bench.agent.write(records(4).slice(half)).end().connect();
  await follower.drain(records(4).length, patient);
  assert.deepEqual(bench.agent.asked, [0, records(3).length]);
  assert.equal(bench.read(), records(4));
});

Deno.test("LogFollower takes nothing more from the agent while the disk is full", async () => {
  await using bench = new Bench();
  bench.agent.chunk = 1000;
  bench.files.free = 2500;
  bench.agent.write(bulk(MIB)).end();
  const follower = await bench.start();
  bench.agent.connect();
  await bench.clock.untilSleeping();
  const { sent } = bench.agent;
  assert.ok(sent <= 4, `${sent} messages were taken`);
  bench.clock.advance(1000);
  await bench.clock.untilSleeping();
  assert.equal(bench.agent.sent, sent);
  bench.files.free = Infinity;
  bench.clock.advance(1000);
  await follower.drain(MIB, patient);
  assert.equal(bench.read(), new TextDecoder().decode(bench.agent.bytes));
});

Deno.test("LogFollower makes the log durable and trims it every few megabytes", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.agent.write(bulk(10 * MIB)).connect();
  await follower.drain(10 * MIB, patient);
  await bench.agent.until(() => bench.agent.trims.length > 0);
  assert.ok(bench.agent.trims[0]! >= 4 * MIB && bench.agent.trims[0]! < 10 * MIB, `${bench.agent.trims}`);
  assert.equal(bench.files.syncs, bench.agent.trims.length);
});

Deno.test("LogFollower does not trim what could not be made durable", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.files.before = (operation) => {
    if (operation === "sync") throw new Error("Input/output error");
  };
  bench.agent.write(bulk(5 * MIB)).end().connect();
  await follower.drain(5 * MIB, patient);
  await follower.stop();
  assert.deepEqual(bench.agent.trims, []);
});

for (
  const [name, distort, reason] of [
    ["another offset", { offset: 7n }, /offset 7, not 0/],
    [
      "something that is no record",
      { data: new TextEncoder().encode("free text\n") },
      /shorter than a record's header/,
    ],
    ["a record without end", { data: new Uint8Array(20_000).fill(0x78) }, /longer than/],
  ] as const
) {
  Deno.test(`LogFollower cuts the session of an agent that sends ${name} and writes none of it`, async () => {
    await using bench = new Bench();
    const follower = await bench.start();
    bench.agent.distort = (response) => Object.assign(response, distort);
    bench.agent.write(records(3)).connect();
    await bench.clock.untilSleeping();
    assert.match(bench.agent.cuts.join(), reason);
    assert.match(bench.agent.cuts.join(), /c1/);
    assert.equal(bench.read(), "");
    bench.agent.distort = (response) => response;
    bench.agent.connect();
    bench.clock.advance(100);
    await follower.drain(records(3).length, patient);
    assert.equal(bench.read(), records(3));
  });
}

Deno.test("LogFollower cuts the session of an agent whose log ends within a record", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.agent.write(records(3).slice(0, -1)).end().connect();
  await bench.clock.untilSleeping();
  assert.match(bench.agent.cuts.join(), /ends within a record/);
  assert.equal(follower.complete, false);
});

Deno.test("LogFollower asks a failing agent again with growing pauses", async () => {
  await using bench = new Bench();
  await bench.start();
  bench.agent.distort = () => {
    throw new Error("Broken");
  };
  bench.agent.write(records(1)).connect();
  for (const pause of [100, 200, 400, 800]) {
    await bench.clock.untilSleeping(pause);
    bench.clock.advance(pause);
  }
  await bench.clock.untilSleeping();
  assert.equal(bench.agent.asked.length, 5);
});

Deno.test("LogFollower of a quiet container does not count the sessions that ended under it as failures", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  for (let session = 0; session < 12; session++) {
    bench.agent.connect();
    await bench.agent.until(() => bench.agent.idle);
    bench.agent.disconnect();
    await bench.clock.untilSleeping();
    bench.clock.advance(100);
  }
  bench.agent.write(records(1)).connect();
  await follower.drain(records(1).length, patient);
});

Deno.test("LogFollower goes on with the oldest record that is left if its offset was trimmed", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  bench.agent.write(records(10));
  // Not at the beginning of a record.
  bench.agent.start = records(4).length - 11;
  bench.agent.end().connect();
  await bench.clock.untilSleeping();
  bench.clock.advance(100);
  await follower.drain(records(10).length, patient);
  assert.equal(bench.read(), records(6, 4));
  await bench.crash();
  assert.equal((await bench.start()).sink.position, records(10).length);
});

Deno.test("LogFollower is complete if the agent has lost what the file has", async () => {
  await using bench = new Bench();
  const first = await bench.start();
  bench.agent.write(records(5)).connect();
  await first.drain(records(5).length, patient);
  await bench.crash();
  bench.agent.bytes = bench.agent.bytes.slice(0, 100);
  bench.agent.end();
  const second = await bench.start();
  for (let i = 0; i < 2; i++) {
    await bench.clock.untilSleeping();
    bench.clock.advance(100 * 2 ** i);
  }
  await second.drain(records(6).length, patient);
  assert.equal(bench.read(), records(5));
});

Deno.test("LogFollower.drain() gives up when nothing comes any more, and only then", async () => {
  await using bench = new Bench();
  const follower = await bench.start();
  const draining = follower.drain(records(2).length, { stallMs: 1000, signal: never });
  await bench.clock.untilSleeping();
  bench.clock.advance(999);
  bench.agent.write(records(1)).connect();
  await follower.drain(records(1).length, { stallMs: 1000, signal: never });
  await bench.clock.untilSleeping(1000);
  bench.clock.advance(1000);
  await assert.rejects(draining, { name: "TimeoutError" });
});

Deno.test("LogFollower takes the log of a container without a file and lets the agent delete it", async () => {
  await using bench = new Bench();
  const sink = new DiscardingLog();
  const follower = bench.follow(sink);
  bench.agent.write(bulk(5 * MIB)).end().connect();
  await bench.agent.until(() => bench.agent.trims.includes(bench.agent.bytes.length));
  assert.ok(follower.complete);
  await follower.stop();
  // A restarted node knows no position: it takes what is left.
  bench.agent.start = 4 * MIB;
  const again = bench.follow(new DiscardingLog());
  await again.drain(bench.agent.bytes.length, patient);
  assert.equal(bench.agent.cuts.length, 0);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant("write"), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("reconnect"), chunk: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    kind: fc.constant("crash"),
    at: fc.constantFrom("write", "link", "record", "open", "never"),
    after: fc.nat(3),
  }),
  fc.record({ kind: fc.constant("rotate"), answered: fc.boolean() }),
  fc.record({ kind: fc.constant("full"), free: fc.integer({ min: 0, max: 300 }) }),
  fc.record({ kind: fc.constant("space") }),
);

Deno.test("LogFollower neither loses nor doubles a byte, whatever happens in between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using bench = new Bench();
      let written = 0;
      let rotations = 0;
      await bench.start();
      bench.agent.connect();
      /** Lets everything come as far as it can: all of it, or until a full disk stops it. */
      const settle = async (done = () => bench.agent.idle) => {
        for (let rounds = 0; rounds < 5 && !done(); rounds++) {
          await Promise.race([bench.agent.until(done), bench.clock.untilSleeping()]);
          bench.clock.advance(30_000);
        }
      };
      for (const each of steps) {
        switch (each.kind) {
          case "write":
            bench.agent.write(records(each.count, written));
            written += each.count;
            break;
          case "reconnect":
            bench.agent.disconnect();
            bench.agent.chunk = each.chunk;
            bench.agent.connect();
            break;
          case "crash": {
            let countdown = each.after;
            bench.files.before = (operation) => {
              if (operation === each.at && countdown-- <= 0) throw new Error("Killed");
            };
            await settle();
            await bench.crash();
            await bench.start();
            break;
          }
          case "rotate": {
            const old = `${bench.path}.${++rotations}`;
            const exists = await Deno.stat(bench.path).then(() => true, () => false);
            if (exists) await Deno.rename(bench.path, old);
            if (!each.answered) break;
            const tired = AbortSignal.abort(new Error("Deadline"));
            const reopened = await bench.writer.reopen(tired).then(() => true, () => false);
            if (!reopened && exists) await Deno.rename(old, bench.path);
            break;
          }
          case "full":
            bench.files.free = each.free;
            break;
          case "space":
            bench.files.free = Infinity;
        }
        await settle();
      }
      bench.files.free = Infinity;
      bench.agent.end();
      const trimmed = () => bench.agent.trims.at(-1) === bench.agent.bytes.length;
      while (!trimmed()) await settle(trimmed);
      assert.equal(bench.read(), records(written));
      assert.deepEqual(bench.agent.cuts, []);
    }),
    { numRuns: 300 },
  );
});
