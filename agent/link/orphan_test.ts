// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { AutoClock } from "../../cri/testing/auto_clock.ts";
import { OrphanWatch } from "./orphan.ts";

function watch() {
  const clock = new AutoClock();
  let orphaned = 0;
  const watch = new OrphanWatch(clock, () => void orphaned++);
  return { clock, watch, orphaned: () => orphaned };
}

Deno.test("OrphanWatch calls back once after the time without a session, counted from its loss", async () => {
  const { clock, watch: it, orphaned } = watch();
  it.lost(1000);
  await clock.pass(600);
  it.lost(1000); // A dial that failed is no new loss.
  await clock.pass(399);
  assert.equal(orphaned(), 0);
  await clock.pass(1);
  assert.equal(orphaned(), 1);
  await clock.pass(10_000);
  assert.equal(orphaned(), 1);
});

Deno.test("OrphanWatch does nothing while there is a session, when it is off, and after its end", async () => {
  const { clock, watch: it, orphaned } = watch();
  it.lost(1000);
  it.linked();
  await clock.pass(5000);
  it.lost(0);
  await clock.pass(1e9);
  it.lost(1000);
  it[Symbol.dispose]();
  await clock.pass(5000);
  assert.equal(orphaned(), 0);
  assert.equal(clock.sleeping, 0);
});

Deno.test("OrphanWatch waits for as long as a timer can when it is told to wait longer, and not for no time", () => {
  const waits: number[] = [];
  const clock = {
    now: () => 0,
    nowNs: () => 0n,
    sleep: (ms: number) => (waits.push(ms), new Promise<void>(() => {})),
  };
  new OrphanWatch(clock, () => {}).lost(2 ** 40);
  assert.deepEqual(waits, [2 ** 31 - 1]);
});
