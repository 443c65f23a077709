// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Budgets } from "./budgets.ts";

function budgets() {
  const time = { now: 0 };
  return { time, budgets: new Budgets({ perSecond: 2, burst: 3, now: () => time.now }) };
}

Deno.test("take() allows the burst, then as many a second as were set, for each key", () => {
  const { time, budgets: it } = budgets();
  assert.deepEqual([1, 2, 3, 4].map(() => it.take("a")), [true, true, true, false]);
  assert.ok(it.take("b"));
  time.now += 1000;
  assert.deepEqual([1, 2, 3].map(() => it.take("a")), [true, true, false]);
});

Deno.test("giveBack() takes back a take() and never exceeds the burst", () => {
  const { budgets: it } = budgets();
  it.giveBack("a");
  assert.deepEqual([1, 2, 3, 4].map(() => it.take("a")), [true, true, true, false]);
  it.giveBack("a");
  assert.ok(it.take("a"));
});

Deno.test("Budgets remembers a bounded number of keys, those seen last", () => {
  const { budgets: it } = budgets();
  for (let count = 0; count < 3; count++) it.take("spent");
  for (let count = 0; count < 9_999; count++) it.take(`key ${count}`);
  assert.equal(it.take("spent"), false);
  for (let count = 0; count < 20_000; count++) it.take(`other ${count}`);
  assert.equal(it.size, 10_000);
  assert.equal(it.take("spent"), true);
});
