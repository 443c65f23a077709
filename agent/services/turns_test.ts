// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Turns } from "./turns.ts";

Deno.test("Turns does work on one thing in order, one after the other, whatever fails", async () => {
  const turns = new Turns();
  const steps: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take("a", async () => {
    steps.push("first begins");
    await gate.promise;
    steps.push("first ends");
    throw new Error("failed");
  });
  const second = turns.take("a", () => Promise.resolve(void steps.push("second")));
  await turns.take("b", () => Promise.resolve(void steps.push("other")));
  gate.resolve();
  await assert.rejects(first, /failed/);
  await second;
  assert.deepEqual(steps, ["first begins", "other", "first ends", "second"]);
});
