// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { answerInstead } from "../testing/agent_answers.ts";
import { idle } from "../testing/auto_clock.ts";
import { createNow, runNow } from "../testing/container_request.ts";
import { NodeHarness } from "../testing/node_harness.ts";
import { podRequest } from "../testing/pod_request.ts";

/** A pod whose logs are files in the harness' directory. */
async function startPod(harness: NodeHarness): Promise<{ sandbox: string; directory: string }> {
  const directory = join(harness.directory, "logs");
  const sandbox = await harness.startNow(
    podRequest("web", { change: (config) => config.logDirectory = directory }),
  );
  return { sandbox, directory };
}

/** The texts of the records in a log file, in order. */
async function lines(path: string): Promise<string[]> {
  return (await Deno.readTextFile(path)).split("\n").slice(0, -1).map((record) => record.slice(40));
}

Deno.test("LogFollowers goes on with a container's log after a restart of the node, every line once", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox, directory } = await startPod(harness);
  const id = await runNow(harness, sandbox, "app", { logPath: "app.log" });
  harness.vmOf(sandbox).emitLog(id, ["one", "two"]);
  await harness.node.containers.logs.drain(id, 1, { stallMs: 1e6, signal: harness.context().signal });
  await harness.stop();
  harness.vmOf(sandbox).emitLog(id, ["three"]);
  harness.restart();
  harness.vmOf(sandbox).emitLog(id, ["four"]);
  await harness.run(
    harness.node.agents.waitFor(harness.node.model.sandbox(sandbox)!.facts.vmId, harness.context().signal),
  );
  const end = harness.vmOf(sandbox).agent.container(id).log.end;
  await harness.node.containers.logs.drain(id, end, { stallMs: 1e6, signal: harness.context().signal });
  assert.deepEqual(await lines(join(directory, "app.log")), ["one", "two", "three", "four"]);
});

Deno.test("LogFollowers makes no file anew for a container that ended before the restart", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox, directory } = await startPod(harness);
  const id = await runNow(harness, sandbox, "app", { logPath: "app.log" });
  harness.vmOf(sandbox).emitLog(id, ["one"]);
  harness.vmOf(sandbox).exitContainer(id, 0);
  const { promise: told, resolve } = Promise.withResolvers<void>();
  using _subscription = harness.node.model.subscribe(({ entry }) =>
    entry.id === id && entry.state.kind === "exited" && resolve()
  );
  await told;
  await harness.stop();
  await Deno.remove(join(directory, "app.log"));
  harness.restart();
  await harness.node.containers.logs.stop(id);
  await assert.rejects(Deno.stat(join(directory, "app.log")), Deno.errors.NotFound);
});

Deno.test("LogFollowers closes a log when its container is removed and when its sandbox ends", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox } = await startPod(harness);
  const removed = await runNow(harness, sandbox, "removed", { logPath: "removed.log" });
  await runNow(harness, sandbox, "left", { logPath: "left.log" });
  const { logs } = harness.node.containers;
  /** Closing waits for what is under way on the file: some turns of the event loop. */
  const closed = async (size: number) => {
    for (let turns = 0; turns < 1000 && logs.size > size; turns++) await idle();
    assert.equal(logs.size, size);
  };
  assert.equal(logs.size, 2);
  harness.node.store.containers.delete(removed, "container removed");
  await closed(1);
  harness.node.store.sandboxes.update(sandbox, { stopIntentAt: 1, stoppedAt: 1 }, "sandbox stopped");
  await closed(0);
});

Deno.test("LogFollowers.start() may be tried again after it failed", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox, directory } = await startPod(harness);
  const id = await createNow(harness, sandbox, "app", { logPath: "app.log" });
  const entry = harness.node.model.container(id)!;
  const { logs } = harness.node.containers;
  await Deno.writeTextFile(directory, "a file where a folder should be");
  await assert.rejects(logs.start(entry), { name: "UnavailableError" });
  await assert.rejects(logs.reopen(id, harness.context().signal), { name: "FailedPreconditionError" });
  await Deno.remove(directory);
  await logs.start(entry);
  await logs.start(entry);
  assert.equal((await Deno.stat(join(directory, "app.log"))).size, 0);
});

Deno.test("LogFollowers takes the log of a container without a path and keeps none of it", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox, directory } = await startPod(harness);
  const trimmed: number[] = [];
  answerInstead(harness, sandbox, "trimLogs", (real) => (request, options) => {
    trimmed.push(Number(request.durableOffset));
    return real(request, options);
  });
  const id = await runNow(harness, sandbox, "app");
  harness.vmOf(sandbox).emitLog(id, ["one"]);
  harness.vmOf(sandbox).exitContainer(id, 0);
  await harness.clock.pass(0);
  assert.deepEqual(trimmed, [harness.vmOf(sandbox).agent.container(id).log.end]);
  await assert.rejects(Deno.stat(directory), Deno.errors.NotFound);
});

Deno.test("LogFollowers holds up neither an exit nor a call while a log cannot be opened after a restart", async () => {
  await using harness = await NodeHarness.open();
  const { sandbox, directory } = await startPod(harness);
  const id = await runNow(harness, sandbox, "app", { logPath: "app.log" });
  await harness.stop();
  await Deno.remove(directory, { recursive: true });
  await Deno.writeTextFile(directory, "a file where a folder should be");
  harness.restart();
  await harness.clock.pass(1_000);
  const caller = new AbortController();
  const reopening = harness.node.containers.logs.reopen(id, caller.signal);
  caller.abort(new Error("The caller has gone"));
  await assert.rejects(reopening, /The caller has gone/);
  harness.vmOf(sandbox).exitContainer(id, 3);
  await harness.clock.pass(60_000);
  assert.equal(harness.node.model.container(id)!.state.kind, "exited");
});
