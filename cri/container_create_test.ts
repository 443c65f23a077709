// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { deadline, untilAborted } from "../lib/deadline.ts";
import { InvalidArgumentError } from "../lib/errors.ts";
import { CreateContainerRequestSchema, StopPodSandboxRequestSchema } from "../protocol/gen/cri_pb.ts";
import { Code, RpcError, toStatus } from "../protocol/status.ts";
import { createContainer } from "./container_create.ts";
import type { RpcContext } from "./rpc_context.ts";
import { stopPodSandbox } from "./sandbox_stop.ts";
import { answerInstead } from "./testing/agent_answers.ts";
import { idle } from "./testing/auto_clock.ts";
import { type ContainerPatch, containerRequest, createNow } from "./testing/container_request.ts";
import { NodeHarness } from "./testing/node_harness.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A caller that gives up after `ms`. */
function patience(harness: NodeHarness, ms: number): RpcContext & Disposable {
  const limit = deadline(ms, { clock: harness.clock, what: "The caller" });
  return {
    signal: limit.signal,
    deadline: harness.clock.now() + ms,
    [Symbol.dispose]: () => limit[Symbol.dispose](),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<number> {
  try {
    await promise;
  } catch (error) {
    return toStatus(error).code;
  }
  return Code.OK;
}

Deno.test("createContainer() makes a container on the agent that lists show as created", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  assert.match(id, /^[0-9a-f]{64}$/);
  const entry = harness.node.model.container(id)!;
  assert.equal(entry.state.kind, "created");
  assert.ok(entry.listed);
  assert.deepEqual([...harness.vmOf(sandbox).agent.containers.keys()], [id]);
});

Deno.test("createContainer() keeps the configuration byte for byte as it came over the wire", async () => {
  await using harness = await NodeHarness.open();
  const request = containerRequest(await harness.startNow(), "app");
  const rawRequest = toBinary(CreateContainerRequestSchema, request);
  // Field 2, then a field that this version does not know, inside the configuration.
  const unknown = new Uint8Array([0xf8, 0x3f, 0x01]);
  const withUnknown = new Uint8Array([...rawRequest, 0x12, unknown.length, ...unknown]);
  const ctx = { ...harness.context(), rawRequest: withUnknown };
  const { containerId } = await harness.run(createContainer(harness.node, request, ctx));
  const { config: kept } = harness.node.model.container(containerId)!.facts;
  assert.deepEqual([...kept.subarray(-3)], [...unknown]);
  assert.deepEqual(harness.vmOf(request.podSandboxId).agent.container(containerId).config, kept);
});

Deno.test("createContainer() answers the same request with the same container, however its variables are ordered", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  const envs = [{ key: "B", value: encode("2") }, { key: "A", value: encode("1") }];
  assert.equal(await createNow(harness, sandbox, "app", { envs }), id);
  assert.equal(harness.node.store.containers.all().length, 1);
});

Deno.test("createContainer() refuses another configuration under a name that is taken", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const id = await createNow(harness, sandbox, "app");
  const other = createNow(harness, sandbox, "app", { envs: [{ key: "A", value: encode("3") }] });
  await assert.rejects(other, (error: Error) => {
    assert.equal(error.name, "AlreadyExistsError");
    return error.message.includes(id);
  });
  assert.notEqual(await createNow(harness, sandbox, "app", { attempt: 1 }), id);
  assert.notEqual(await createNow(harness, sandbox, "other"), id);
});

Deno.test("createContainer() joins a retry with the attempt that is under way", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const ids = await Promise.all(["app", "app", "app"].map((name) => createNow(harness, sandbox, name)));
  assert.equal(new Set(ids).size, 1);
  assert.equal(harness.vmOf(sandbox).agent.containers.size, 1);
});

Deno.test("createContainer() goes on when its caller gives up, and the retry finds what it made", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  vm.hang();
  const gone = new AbortController();
  const creating = createContainer(
    harness.node,
    containerRequest(sandbox, "app"),
    harness.context(gone.signal),
  );
  await idle();
  gone.abort(new Error("Deadline"));
  await assert.rejects(creating, /Deadline/);
  vm.resume();
  const id = await createNow(harness, sandbox, "app");
  assert.equal(vm.agent.containers.size, 1);
  assert.ok(vm.agent.containers.has(id));
});

Deno.test("createContainer() leaves nothing when the agent refuses", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  answerInstead(
    harness,
    sandbox,
    "create",
    () => () => Promise.reject(new InvalidArgumentError("No such command")),
  );
  await assert.rejects(createNow(harness, sandbox, "app"), /No such command/);
  assert.deepEqual(harness.node.store.containers.all(), []);
  assert.equal(harness.node.containers.locks.size, 0);
});

Deno.test("createContainer() takes back what the agent made if the answer was lost for good", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const { agent } = harness.vmOf(sandbox);
  answerInstead(harness, sandbox, "create", (real) => async (...args) => {
    await real(...args);
    throw new RpcError(Code.INTERNAL, "Answer is broken");
  });
  await assert.rejects(createNow(harness, sandbox, "app"), /Answer is broken/);
  assert.equal(agent.containers.size, 0);
  assert.deepEqual(harness.node.store.containers.all(), []);
});

Deno.test("createContainer() asks again in the next session if a session ends under it", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  vm.hang();
  const creating = harness.run(createNow(harness, sandbox, "app"));
  await idle();
  vm.resume();
  vm.restartAgent();
  const id = await creating;
  assert.deepEqual([...vm.agent.containers.keys()], [id]);
});

Deno.test("createContainer() waits for a VM without a session, then says so before its caller gives up", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const vm = harness.vmOf(sandbox);
  vm.unplug();
  await idle();
  using ctx = patience(harness, 20_000);
  const creating = createContainer(harness.node, containerRequest(sandbox, "app"), ctx);
  await assert.rejects(harness.run(creating), (error: Error) => {
    assert.equal(error.name, "UnavailableError");
    return /no connection/.test(error.message);
  });
  assert.deepEqual(harness.node.store.containers.all(), []);
  using again = patience(harness, 20_000);
  const waiting = createContainer(harness.node, containerRequest(sandbox, "app"), again);
  await idle();
  vm.plug();
  assert.ok((await harness.run(waiting)).containerId);
});

Deno.test("createContainer() needs a sandbox that is ready", async () => {
  await using harness = await NodeHarness.open();
  assert.equal(await codeOf(createNow(harness, "f00", "app")), Code.NOT_FOUND);
  const sandbox = await harness.startNow();
  const request = create(StopPodSandboxRequestSchema, { podSandboxId: sandbox });
  await harness.run(stopPodSandbox(harness.node, request, harness.context()));
  assert.equal(await codeOf(createNow(harness, sandbox, "app")), Code.FAILED_PRECONDITION);
});

Deno.test("createContainer() resolves the image by id and by name, and names the one that exists", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  assert.ok(await createNow(harness, sandbox, "by-name", { image: { image: "infranetes.io/exec" } }));
  await assert.rejects(
    createNow(harness, sandbox, "app", { image: { image: "nginx" } }),
    /'nginx'.*infranetes\.io\/exec:latest/,
  );
});

for (
  const [name, patch, message] of [
    [
      "a variable that is not UTF-8",
      { envs: [{ key: "SECRET_9", value: new Uint8Array([0xff, 0xfe]) }] },
      /'SECRET_9'/,
    ],
    ["a variable with NUL", { envs: [{ key: "N", value: encode("a\0b") }] }, /'N'/],
    ["a variable without a name", { envs: [{ key: "", value: encode("x") }] }, /name/],
    ["a variable named with =", { envs: [{ key: "a=b", value: encode("x") }] }, /'a=b'/],
    ["no name", { metadata: { name: "" } }, /metadata\.name/],
    ["no image", { image: {} }, /image/],
    ["a group without a user", { linux: { securityContext: { runAsGroup: { value: 5n } } } }, /run_as_group/],
    ["a log path that leads out", { logPath: "../x.log" }, /'\.\.\/x\.log'/],
    ["a mount at a relative path", { mounts: [{ containerPath: "x", hostPath: "/usr" }] }, /'x'/],
  ] as const
) {
  Deno.test(`createContainer() refuses ${name} and records nothing`, async () => {
    await using harness = await NodeHarness.open();
    const sandbox = await harness.startNow();
    const request = containerRequest(sandbox, "app", patch as unknown as ContainerPatch);
    await assert.rejects(
      harness.run(createContainer(harness.node, request, harness.context())),
      (error: Error) => {
        assert.equal(error.name, "InvalidArgumentError");
        return message.test(error.message);
      },
    );
    assert.deepEqual(harness.node.store.containers.all(), []);
  });
}

Deno.test("createContainer() refuses a host path that does not exist", async () => {
  await using harness = await NodeHarness.open();
  const sandbox = await harness.startNow();
  const mounts = [{ containerPath: "/data", hostPath: "/does/not/exist" }];
  // Without time passing: looking at a disk is not waiting.
  const creating = createContainer(
    harness.node,
    containerRequest(sandbox, "app", { mounts }),
    harness.context(),
  );
  await assert.rejects(creating, /'\/does\/not\/exist'/);
  assert.deepEqual(harness.node.store.containers.all(), []);
});

for (const fact of ["container intent", "container created"]) {
  Deno.test(`createContainer() leaves one container at most if the node is killed after '${fact}'`, async () => {
    let killed = false;
    await using harness = await NodeHarness.open();
    const sandbox = await harness.startNow();
    const vm = harness.vmOf(sandbox);
    await harness.stop();
    harness.restart({
      afterFact(name) {
        if (name !== fact) return;
        killed = true;
        throw new Error("Killed");
      },
    });
    await harness.run(harness.node.agents.waitFor(vm.spec.vmId, harness.context().signal));
    // What a dead process would have done next is not done: its undo neither.
    answerInstead(
      harness,
      sandbox,
      "remove",
      () => (_, options) => untilAborted(new Promise(() => {}), options!.signal!),
    );
    void createContainer(harness.node, containerRequest(sandbox, "app"), harness.context()).catch(() => {});
    await idle();
    await harness.clock.pass(0);
    assert.ok(killed);
    await harness.stop();
    harness.restart({});
    const id = await harness.run(createNow(harness, sandbox, "app"));
    await harness.clock.pass(1000);
    assert.deepEqual([...vm.agent.containers.keys()], [id]);
    assert.deepEqual(harness.node.store.containers.all().map((row) => row.id), [id]);
  });
}
