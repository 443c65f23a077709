// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Waiters } from "./waiters.ts";

const never = new AbortController().signal;

Deno.test("Waiters wake everybody who waits for a key, and nobody else", async () => {
  const waiters = new Waiters<number>();
  const [first, second, other] = ["a", "a", "b"].map((key) => waiters.wait(key, never));
  waiters.resolve("a", 1);
  assert.deepEqual(await Promise.all([first, second]), [1, 1]);
  assert.equal(waiters.size, 1);
  waiters.reject("b", new Error("gone"));
  await assert.rejects(other!, /gone/);
  assert.equal(waiters.size, 0);
});

Deno.test("Waiters wake one who came right after the others were woken", async () => {
  const waiters = new Waiters<number>();
  const first = waiters.wait("a", never);
  waiters.resolve("a", 1);
  const second = waiters.wait("a", never);
  assert.equal(await first, 1);
  assert.equal(waiters.size, 1);
  waiters.resolve("a", 2);
  assert.equal(await second, 2);
});

Deno.test("Waiters forget one whose signal aborts", async () => {
  const waiters = new Waiters<number>();
  const caller = new AbortController();
  const waiting = waiters.wait("a", caller.signal);
  caller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  assert.equal(waiters.size, 0);
});
