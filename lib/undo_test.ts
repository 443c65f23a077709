// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { systemClock } from "./clock.ts";
import { UndoStack } from "./undo.ts";

const options = { clock: systemClock, timeoutMs: 60_000 };

Deno.test("UndoStack runs the undos last first when the work fails", async () => {
  const undone: string[] = [];
  const work = async () => {
    await using undo = new UndoStack(options);
    undo.push(() => void undone.push("first"));
    undo.push(async (signal) => {
      await Promise.resolve();
      undone.push(`second, aborted: ${signal.aborted}`);
    });
    throw new Error("failed");
  };
  await assert.rejects(work(), /failed/);
  assert.deepEqual(undone, ["second, aborted: false", "first"]);
});

Deno.test("UndoStack undoes nothing after commit()", async () => {
  const undone: string[] = [];
  {
    await using undo = new UndoStack(options);
    undo.push(() => void undone.push("first"));
    undo.commit();
  }
  assert.deepEqual(undone, []);
});

Deno.test("UndoStack goes on with earlier undos when one throws, and throws that", async () => {
  const undone: string[] = [];
  const undo = new UndoStack(options);
  undo.push(() => void undone.push("first"));
  undo.push(() => {
    throw new Error("cannot be undone");
  });
  await assert.rejects(undo[Symbol.asyncDispose](), /cannot be undone/);
  assert.deepEqual(undone, ["first"]);
});

Deno.test("UndoStack gives all undos one deadline together", async () => {
  const sleeps: number[] = [];
  let expire = () => {};
  const clock = {
    ...systemClock,
    sleep: (ms: number) => {
      sleeps.push(ms);
      return new Promise<void>((resolve) => expire = resolve);
    },
  };
  const undo = new UndoStack({ clock, timeoutMs: 1234 });
  const seen: boolean[] = [];
  undo.push((signal) => void seen.push(signal.aborted));
  undo.push(async (signal) => {
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    expire();
    await aborted;
  });
  await undo[Symbol.asyncDispose]();
  assert.deepEqual(sleeps, [1234]);
  assert.deepEqual(seen, [true]);
});
