// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { AutoClock } from "../testing/auto_clock.ts";
import { Pace } from "./pace.ts";

const { signal } = new AbortController();

async function take(pace: Pace, count: number): Promise<void> {
  for (let taken = 0; taken < count; taken++) await pace.next(signal);
}

Deno.test("Pace lets a burst through at once and holds the rest to its rate", async () => {
  const clock = new AutoClock();
  const begunAt = clock.now();
  const pace = new Pace({ clock, perSecond: 100, burst: 50 });
  await clock.run(take(pace, 50));
  assert.equal(clock.now(), begunAt);
  await clock.run(take(pace, 200));
  assert.ok(Math.abs(clock.now() - begunAt - 2_000) < 20, `${clock.now() - begunAt} ms`);
});

Deno.test("Pace earns a new burst in quiet time, and no more than one", async () => {
  const clock = new AutoClock();
  const pace = new Pace({ clock, perSecond: 100, burst: 50 });
  await clock.run(take(pace, 50));
  await clock.pass(3_600_000);
  const begunAt = clock.now();
  await clock.run(take(pace, 50));
  assert.equal(clock.now(), begunAt);
  await clock.run(take(pace, 100));
  assert.ok(clock.now() - begunAt >= 990);
});

Deno.test("Pace.next() rejects when its signal aborts", async () => {
  const clock = new AutoClock();
  const controller = new AbortController();
  const pace = new Pace({ clock, perSecond: 1, burst: 1 });
  await pace.next(signal);
  const waiting = pace.next(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  assert.equal(clock.sleeping, 0);
});
