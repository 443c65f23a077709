// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import FakeTimers from "@sinonjs/fake-timers";
import { systemClock } from "./clock.ts";
import { deadline, linkAbort, untilAborted } from "./deadline.ts";
import { TimeoutError } from "./errors.ts";

const clock = systemClock;

Deno.test("deadline() aborts with TimeoutError that says what took too long", async () => {
  const timers = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    using limit = deadline(1500, { clock, what: "Opening the door" });
    await timers.tickAsync(1499);
    assert.equal(limit.signal.aborted, false);
    await timers.tickAsync(1);
    assert.ok(limit.signal.reason instanceof TimeoutError);
    assert.match(limit.signal.reason.message, /^Opening the door did not end within 1.5 s$/);
  } finally {
    timers.uninstall();
  }
});

Deno.test("deadline() aborts with the reason of the parent that aborts first", () => {
  const parents = [new AbortController(), new AbortController()];
  using limit = deadline(60_000, { clock, what: "x", parents: parents.map((each) => each.signal) });
  parents[1]!.abort("second");
  parents[0]!.abort("first");
  assert.equal(limit.signal.reason, "second");
});

Deno.test("deadline() is aborted at once by a parent that was aborted before", () => {
  using limit = deadline(60_000, { clock, what: "x", parents: [AbortSignal.abort("gone")] });
  assert.equal(limit.signal.reason, "gone");
});

Deno.test("deadline() lets go of its parents and its timer when disposed of", () => {
  const parent = new AbortController();
  const limit = deadline(60_000, { clock, what: "x", parents: [parent.signal] });
  limit[Symbol.dispose]();
  parent.abort();
  assert.equal(limit.signal.aborted, false);
  // A timer that was left running fails this test: the sanitizer counts it.
});

Deno.test("linkAbort() passes an abort on until it is told to let go", () => {
  const parent = new AbortController();
  const child = new AbortController();
  const other = new AbortController();
  linkAbort(parent.signal, child);
  linkAbort(parent.signal, other)();
  parent.abort("why");
  assert.equal(child.signal.reason, "why");
  assert.equal(other.signal.aborted, false);
});

Deno.test("untilAborted() answers as the promise does if that settles first", async () => {
  const { signal } = new AbortController();
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(untilAborted(Promise.reject(new Error("no")), signal), /no/);
});

Deno.test("untilAborted() rejects with the signal's reason and leaves the promise alone", async () => {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<void>();
  const waiting = untilAborted(promise, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  reject(new Error("late")); // Nobody hears it: it must not become an unhandled rejection.
  await assert.rejects(untilAborted(Promise.resolve(1), AbortSignal.abort(new Error("before"))), /before/);
});
