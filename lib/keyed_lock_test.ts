// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { KeyedLock } from "./keyed_lock.ts";

const never = new AbortController().signal;

Deno.test("KeyedLock lets one at a time pass for each key, in the order of asking", async () => {
  const locks = new KeyedLock();
  const passed: string[] = [];
  const first = await locks.acquire("a", never);
  const others = ["second", "third"].map(async (name) => {
    using _lock = await locks.acquire("a", never);
    passed.push(name);
  });
  (await locks.acquire("b", never))[Symbol.dispose]();
  passed.push("other key");
  first[Symbol.dispose]();
  await Promise.all(others);
  assert.deepEqual(passed, ["other key", "second", "third"]);
  await Promise.resolve();
  assert.equal(locks.size, 0);
});

Deno.test("KeyedLock gives up the place of one who does not wait any more, and keeps the others'", async () => {
  const locks = new KeyedLock();
  const first = await locks.acquire("a", never);
  const tired = new AbortController();
  const second = locks.acquire("a", tired.signal);
  const third = locks.acquire("a", never);
  tired.abort(new Error("Tired"));
  await assert.rejects(second, /Tired/);
  let passed = false;
  void third.then(() => passed = true);
  await Promise.resolve();
  assert.equal(passed, false);
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  await assert.rejects(locks.acquire("a", AbortSignal.abort(new Error("Late"))), /Late/);
});
