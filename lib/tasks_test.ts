// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Tasks } from "./tasks.ts";

Deno.test("Tasks.settled() waits for all work, also for what the work begins", async () => {
  const tasks = new Tasks((name, error) => assert.fail(`${name}: ${error}`));
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  tasks.start("outer", async () => {
    await gate.promise;
    tasks.start("inner", async () => {
      await Promise.resolve();
      done.push("inner");
    });
    done.push("outer");
  });
  assert.equal(tasks.size, 1);
  gate.resolve();
  await tasks.settled();
  assert.deepEqual(done, ["outer", "inner"]);
  assert.equal(tasks.size, 0);
});

Deno.test("Tasks tells of failures by name, thrown at once or later", async () => {
  const told: string[] = [];
  const tasks = new Tasks((name, error) => told.push(`${name}: ${error}`));
  tasks.start("now", () => {
    throw new Error("a");
  });
  tasks.start("later", () => Promise.reject(new Error("b")));
  await tasks.settled();
  assert.deepEqual(told.sort(), ["later: Error: b", "now: Error: a"]);
});
