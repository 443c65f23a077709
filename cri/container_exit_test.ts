// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { ContainerConfigSchema } from "../protocol/gen/cri_pb.ts";
import { writeTerminationMessage } from "./container_exit.ts";
import { idle } from "./testing/auto_clock.ts";
import { runNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";
import { podRequest } from "./testing/pod_request.ts";
import { TERMINATION_PATH_ANNOTATION } from "./volumes/classify.ts";

const MESSAGE = new TextEncoder().encode("Out of cheese");

/** A container whose kubelet looks for its last words at `hostPath`. */
function dying(hostPath: string, mountedAt = "/dev/termination-log") {
  const config = create(ContainerConfigSchema, {
    annotations: { [TERMINATION_PATH_ANNOTATION]: "/dev/termination-log" },
    mounts: [{ containerPath: "/etc/hosts", hostPath: "/etc/hosts" }, { containerPath: mountedAt, hostPath }],
  });
  return { id: "c1", config };
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("writeTerminationMessage() writes what the kubelet reads, in place of what was there", () =>
  withFolder(async (folder) => {
    const path = join(folder, "message");
    await Deno.writeTextFile(path, "An earlier and longer message");
    await writeTerminationMessage(dying(path), MESSAGE);
    assert.equal(await Deno.readTextFile(path), "Out of cheese");
  }));

Deno.test("writeTerminationMessage() writes no more than the kubelet reads", () =>
  withFolder(async (folder) => {
    const path = join(folder, "message");
    await Deno.writeTextFile(path, "");
    await writeTerminationMessage(dying(path), new Uint8Array(5000).fill(0x78));
    assert.equal((await Deno.stat(path)).size, 4096);
  }));

Deno.test("writeTerminationMessage() leaves the file alone if there is no message", () =>
  withFolder(async (folder) => {
    const path = join(folder, "message");
    await Deno.writeTextFile(path, "written by somebody else");
    await writeTerminationMessage(dying(path), new Uint8Array());
    assert.equal(await Deno.readTextFile(path), "written by somebody else");
  }));

Deno.test("writeTerminationMessage() writes nowhere if nothing is mounted there", () =>
  withFolder(async (folder) => {
    await writeTerminationMessage(dying(join(folder, "message"), "/elsewhere"), MESSAGE);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));

Deno.test("writeTerminationMessage() neither follows a link nor makes a file nor waits for a pipe", () =>
  withFolder(async (folder) => {
    const secret = join(folder, "secret");
    await Deno.writeTextFile(secret, "of somebody else");
    await Deno.symlink(secret, join(folder, "link"));
    await new Deno.Command("mkfifo", { args: [join(folder, "pipe")] }).output();
    for (const name of ["link", "missing", "pipe", "."]) {
      await assert.rejects(writeTerminationMessage(dying(join(folder, name)), MESSAGE), {
        name: "FailedPreconditionError",
      });
    }
    assert.equal(await Deno.readTextFile(secret), "of somebody else");
    await assert.rejects(Deno.stat(join(folder, "missing")), Deno.errors.NotFound);
  }));

Deno.test("An exit is told only when the whole log is in its file", async () => {
  await using harness = await NodeHarness.open();
  const logDirectory = join(harness.directory, "logs");
  const sandbox = await harness.startNow(
    podRequest("web", { change: (config) => config.logDirectory = logDirectory }),
  );
  const id = await runNow(harness, sandbox, "app", { logPath: "app.log" });
  const lines = Array.from({ length: 2000 }, (_, number) => `line ${number}`);
  let seen = "";
  const { promise: told, resolve } = Promise.withResolvers<void>();
  using _subscription = harness.node.model.subscribe(({ entry }) => {
    if (entry.id !== id || entry.state.kind !== "exited" || seen !== "") return;
    seen = Deno.readTextFileSync(join(logDirectory, "app.log"));
    resolve();
  });
  harness.vmOf(sandbox).emitLog(id, lines);
  harness.vmOf(sandbox).exitContainer(id, 3);
  await told;
  assert.deepEqual(seen.split("\n").slice(0, -1).map((record) => record.slice(40)), lines);
});

Deno.test("An exit is told although the log cannot be had, after a bounded time", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await runNow(harness, sandbox, "app");
  const vm = harness.vmOf(sandbox);
  // Never ends and never becomes a record.
  vm.emitRawLog(id, new TextEncoder().encode("this is no record of a log, and it has no end"));
  vm.exitContainer(id, 3);
  await idle();
  assert.equal(harness.node.model.container(id)!.state.kind, "running");
  await harness.clock.pass(60_000);
  assert.equal(harness.node.model.container(id)!.state.kind, "exited");
});
