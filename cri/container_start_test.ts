// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { FailedPreconditionError } from "../lib/errors.ts";
import { ContainerState as CriState, StartContainerRequestSchema } from "../protocol/gen/cri_pb.ts";
import { startContainer } from "./container_start.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import { answerInstead } from "./testing/agent_answers.ts";
import { idle } from "./testing/auto_clock.ts";
import { createNow, runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";

function start(harness: NodeHarness, containerId: string): Promise<unknown> {
  return startContainer(
    harness.node,
    create(StartContainerRequestSchema, { containerId }),
    harness.context(),
  );
}

Deno.test("startContainer() answers when the container runs, and lists say so", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  const entry = harness.node.model.container(id)!;
  assert.equal(entry.criState, CriState.CONTAINER_RUNNING);
  assert.notEqual(entry.facts.startIntentAt, null);
  assert.ok(entry.agentState!.startedAt > 0n);
});

Deno.test("startContainer() makes the log file before the container starts", async () => {
  await using harness = await NodeHarness.open();
  const logDirectory = join(harness.directory, "logs");
  const sandbox = await harness.startNow(
    podRequest("web", { change: (config) => config.logDirectory = logDirectory }),
  );
  const id = await createNow(harness, sandbox, "app", { logPath: "app/0.log" });
  await assert.rejects(Deno.stat(join(logDirectory, "app/0.log")), Deno.errors.NotFound);
  let sizeAtStart = -1;
  answerInstead(harness, sandbox, "start", (real) => async (...args) => {
    sizeAtStart = (await Deno.stat(join(logDirectory, "app/0.log"))).size;
    return await real(...args);
  });
  await start(harness, id);
  assert.equal(sizeAtStart, 0);
  const { ino } = await Deno.stat(join(logDirectory, "app/0.log"));
  assert.equal(harness.node.model.container(id)!.facts.logInode, ino);
});

Deno.test("startContainer() starts nothing without a log file", async () => {
  await using harness = await NodeHarness.open();
  // A file where its folder should be.
  const sandbox = await harness.startNow(
    podRequest("web", { change: (config) => config.logDirectory = harness.factFile }),
  );
  const id = await createNow(harness, sandbox, "app", { logPath: "app/0.log" });
  await assert.rejects(start(harness, id), /Log file '.*' of container .* cannot be opened/);
  const entry = harness.node.model.container(id)!;
  assert.equal(entry.state.kind, "created");
  assert.equal(entry.facts.startIntentAt, null);
  assert.equal(harness.vmOf(sandbox).agent.container(id).running, false);
  assert.equal(harness.node.containers.logs.size, 0);
});

Deno.test("startContainer() starts a container once only", async () => {
  await using harness = await NodeHarness.open();
  const id = await runNow(harness, await harness.startNow(), "app");
  await assert.rejects(start(harness, id), { name: "FailedPreconditionError" });
  await assert.rejects(start(harness, "f00"), { name: "NotFoundError" });
});

Deno.test("startContainer() fails with the agent's words, and then lists show the exit", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  const { agent } = harness.vmOf(sandbox);
  answerInstead(harness, sandbox, "start", (real) => async (...args) => {
    await real(...args);
    agent.container(id).exit(128, "No such file");
    throw new FailedPreconditionError("Command '/nope' cannot be started: No such file");
  });
  await assert.rejects(start(harness, id), /'\/nope'/);
  const { state, criState } = harness.node.model.container(id)!;
  assert.equal(criState, CriState.CONTAINER_EXITED);
  assert.equal(state.kind === "exited" && state.agent.exitCode, 128);
});

Deno.test("startContainer() does not start a container twice if a session ends under it", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  const id = await createNow(harness, sandbox, "app");
  answerInstead(harness, sandbox, "start", (real) => async (...args) => {
    await real(...args);
    vm.disconnect();
    return await real(...args);
  });
  await harness.run(start(harness, id));
  assert.equal(harness.node.model.container(id)!.state.kind, "running");
});

Deno.test("startContainer() is refused once the sandbox is on its way out", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  const stopping = harness.run(stopSandbox(harness.node, sandbox, harness.context().signal));
  await idle();
  await assert.rejects(start(harness, id), { name: "FailedPreconditionError" });
  await stopping;
});
