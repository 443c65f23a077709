// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../lib/clock.ts";
import type { HelloRequest, WatchResponse } from "../../protocol/gen/agent_pb.ts";
import { ContainerPhase, Containers, Node, Sandbox } from "../../protocol/gen/agent_pb.ts";
import { ContainerConfigSchema } from "../../protocol/gen/cri_pb.ts";
import { Router, Session } from "../../protocol/link/session.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { FakeCloudOptions } from "./cloud.ts";
import { FakeCloud } from "./cloud.ts";
import { FakeProvider } from "./provider.ts";

const VM_ID = "0".repeat(32);
const SANDBOX_ID = "a".repeat(64);

/** A node's side of one VM: its sessions, and what Watch has told. */
class TestNode implements AsyncDisposable {
  readonly provider: FakeProvider;
  readonly hellos: HelloRequest[] = [];
  readonly #instanceId: string;
  readonly #stop = new AbortController();
  session!: Session;

  private constructor(provider: FakeProvider, instanceId: string) {
    this.provider = provider;
    this.#instanceId = instanceId;
  }

  static async start(knobs: FakeCloudOptions["knobs"] = {}): Promise<TestNode> {
    const cloud = new FakeCloud({ clock: systemClock, knobs });
    const provider = new FakeProvider({ name: "fake", cluster: "c", node: "n", cloud });
    const tags = { cluster: "c", node: "n", vmId: VM_ID, sandboxId: "", createdAt: 0 };
    const spec = {
      vmId: VM_ID,
      token: "t",
      tags,
      cpus: 1,
      memoryBytes: 1,
      image: "",
      userData: "",
      cgroupParent: "",
    };
    const { instanceId } = await provider.create(spec, AbortSignal.timeout(5000));
    const node = new TestNode(provider, instanceId);
    await node.link();
    return node;
  }

  get vm() {
    return this.provider.vm(VM_ID);
  }

  get containers() {
    return this.session.client(Containers);
  }

  get sandbox() {
    return this.session.client(Sandbox);
  }

  /** The next session, past Hello. */
  async link(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const router = new Router().service(Node, {
      hello: (request) => {
        this.hellos.push(request);
        resolve();
        return { protocol: 1, heartbeatMs: 5 };
      },
    });
    const transport = await this.provider.localLink(this.#instanceId, this.#stop.signal);
    this.session = new Session(transport, { role: "listener", router });
    await promise;
  }

  async configure(): Promise<void> {
    await this.sandbox.configure({
      sandboxId: SANDBOX_ID,
      config: new Uint8Array([1]),
      addresses: ["198.18.0.1"],
    });
  }

  /** Events of a watch that is open until the iteration is left. */
  watch(): AsyncIterable<WatchResponse> {
    // deno-lint-ignore require-yield
    const silence = async function* (closed: Promise<unknown>) {
      await closed;
    };
    return this.sandbox.watch(silence(this.session.closed));
  }

  async container(id: string, ...command: string[]): Promise<void> {
    const config = toBinary(ContainerConfigSchema, create(ContainerConfigSchema, { command }));
    await this.containers.create({ sandboxId: SANDBOX_ID, containerId: id, config });
  }

  async exec(
    containerId: string,
    command: string[],
    options: { stdin?: string; timeoutMs?: number; limit?: number } = {},
  ) {
    const { stdin, timeoutMs = 0, limit = 0 } = options;
    const requests = async function* () {
      const value = {
        containerId,
        command,
        stdin: stdin !== undefined,
        timeoutMs: BigInt(timeoutMs),
        outputLimit: BigInt(limit),
      };
      yield { event: { case: "start" as const, value } };
      if (stdin === undefined) return;
      yield { event: { case: "stdin" as const, value: new TextEncoder().encode(stdin) } };
      yield { event: { case: "stdinEnd" as const, value: true } };
    };
    let stdout = "";
    for await (const { event } of this.containers.exec(requests())) {
      if (event.case === "stdout") stdout += new TextDecoder().decode(event.value);
      if (event.case === "exit") return { stdout, exitCode: event.value.exitCode };
    }
    throw new Error("Exec ended without an exit code");
  }

  async logs(containerId: string, offset = 0): Promise<string> {
    let text = "";
    for await (const { data } of this.containers.logs({ containerId, offset: BigInt(offset) })) {
      text += new TextDecoder().decode(data);
    }
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.session.close("Test has ended");
    this.provider.cloud.vms.forEach((vm) => vm.delete(0));
    await this.session.closed;
  }
}

function isCode(code: Code) {
  return (error: unknown) => error instanceof RpcError && error.code === code;
}

Deno.test("FakeAgent says Hello with a greater epoch and the same boot id in its next session", async () => {
  await using node = await TestNode.start();
  node.vm.disconnect();
  await node.session.closed;
  await node.link();
  const [first, second] = node.hellos;
  assert.ok(first && second && second.epoch > first.epoch);
  assert.equal(second.bootId, first.bootId);
});

Deno.test("FakeAgent binds itself to one sandbox for ever", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.configure();
  const other = node.sandbox.configure({ sandboxId: "b".repeat(64), config: new Uint8Array([1]) });
  await assert.rejects(other, isCode(Code.FAILED_PRECONDITION));
  assert.deepEqual((await node.sandbox.describe({})).config, new Uint8Array([1]));
});

Deno.test("FakeAgent tells a snapshot first, then changes in order, then heartbeats with usage", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.container("one");
  const seen: string[] = [];
  let last = -1n;
  for await (const { event, sequence } of node.watch()) {
    assert.ok(sequence > last);
    last = sequence;
    if (event.case === "snapshot") {
      seen.push(`snapshot ${event.value.containers.map(({ id }) => id)}`);
      await node.containers.start({ containerId: "one" });
    } else if (event.case === "changed") {
      seen.push(`${event.value.id} ${ContainerPhase[event.value.phase]} ${event.value.exitCode}`);
      if (event.value.id === "two") continue;
      if (event.value.phase === ContainerPhase.RUNNING) node.vm.exitContainer("one", 7);
      else await node.containers.remove({ containerId: "one" });
    } else if (event.case === "removed") {
      seen.push(`removed ${event.value}`);
      await node.container("two");
      await node.containers.start({ containerId: "two" });
    } else if (event.case === "heartbeat" && event.value.usage.length > 0) {
      assert.equal(event.value.usage[0]?.id, "two");
      break;
    }
  }
  assert.deepEqual(seen.slice(0, 4), ["snapshot one", "one RUNNING 0", "one EXITED 7", "removed one"]);
});

Deno.test("FakeAgent refuses a second watch in one session", async () => {
  await using node = await TestNode.start();
  for await (const _ of node.watch()) {
    await assert.rejects(Array.fromAsync(node.watch()), isCode(Code.FAILED_PRECONDITION));
    break;
  }
});

Deno.test("FakeAgent keeps the order of calls: Create twice is one, Start of an exited container is refused", async () => {
  await using node = await TestNode.start();
  await assert.rejects(node.container("one"), isCode(Code.FAILED_PRECONDITION));
  await node.configure();
  await node.container("one", "sleep", "3600");
  await node.container("one", "sleep", "3600");
  await assert.rejects(node.container("one", "true"), isCode(Code.ALREADY_EXISTS));
  await node.containers.start({ containerId: "one" });
  const { state } = await node.containers.stop({ containerId: "one", graceMs: 0n });
  assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [ContainerPhase.EXITED, 143, "Error"]);
  await assert.rejects(node.containers.start({ containerId: "one" }), isCode(Code.FAILED_PRECONDITION));
  await node.containers.remove({ containerId: "unknown" });
  await assert.rejects(node.containers.stop({ containerId: "unknown" }), isCode(Code.NOT_FOUND));
});

Deno.test("FakeAgent runs its few programs in containers", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.container("one", "/bin/sh", "-c", "echo hello; sleep 0.01; exit 3");
  await node.containers.start({ containerId: "one" });
  assert.match(await node.logs("one"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F hello\n$/);
  const { containers } = await node.sandbox.describe({});
  assert.equal(containers[0]?.state?.exitCode, 3);
  assert.equal(containers[0]?.state?.logEnd, BigInt((await node.logs("one")).length));
});

Deno.test("FakeAgent executes: echo, exit codes, stdin, unknown commands, bounded output, timeout", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.container("one");
  await assert.rejects(node.exec("one", ["true"]), isCode(Code.FAILED_PRECONDITION));
  await node.containers.start({ containerId: "one" });
  assert.deepEqual(await node.exec("one", ["/bin/true"]), { stdout: "", exitCode: 0 });
  assert.deepEqual(await node.exec("one", ["sh", "-c", "echo a b; exit 4"]), {
    stdout: "a b\n",
    exitCode: 4,
  });
  assert.deepEqual(await node.exec("one", ["cat"], { stdin: "typed" }), { stdout: "typed", exitCode: 0 });
  assert.deepEqual(await node.exec("one", ["ls", "-l"]), { stdout: '["ls","-l"]\n', exitCode: 0 });
  assert.deepEqual(await node.exec("one", ["echo", "hello"], { limit: 4 }), { stdout: "hell", exitCode: 0 });
  await assert.rejects(node.exec("one", ["sleep", "3600"], { timeoutMs: 5 }), isCode(Code.DEADLINE_EXCEEDED));
  const sleeping = node.exec("one", ["sleep", "3600"]);
  node.vm.exitContainer("one", 0);
  await assert.rejects(sleeping);
});

Deno.test("FakeAgent keeps logs by offset, trims them, and counts what does not fit", async () => {
  await using node = await TestNode.start({ spool: 4096 });
  await node.configure();
  await node.container("one");
  await node.containers.start({ containerId: "one" });
  node.vm.emitLog("one", ["first", "second"]);
  const record = "2026-11-21T07:00:00.123456789Z stdout F first\n".length;
  await node.containers.trimLogs({ containerId: "one", durableOffset: BigInt(record) });
  node.vm.emitLog("one", ["x".repeat(5000)]);
  node.vm.exitContainer("one", 0);
  assert.match(await node.logs("one", record), /^\S+ stdout F second\n$/);
  await assert.rejects(node.logs("one"), isCode(Code.OUT_OF_RANGE));
  await assert.rejects(node.logs("one", 10_000), isCode(Code.OUT_OF_RANGE));
  const { containers } = await node.sandbox.describe({});
  assert.equal(containers[0]?.state?.logRecordsDropped, 1n);
});

Deno.test("FakeVm.hang() lets nothing pass, resume() delivers what was held", async () => {
  await using node = await TestNode.start();
  node.vm.hang();
  const call = node.sandbox.describe({});
  await assert.rejects(node.sandbox.describe({}, { timeoutMs: 10 }), isCode(Code.DEADLINE_EXCEEDED));
  node.vm.resume();
  assert.equal((await call).sandboxId, "");
});

Deno.test("FakeVm falls silent after silentAfter without closing its link", async () => {
  await using node = await TestNode.start({ silentAfter: 20 });
  const callForEver = async () => {
    for (;;) {
      await node.sandbox.describe({}, { timeoutMs: 200 });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await assert.rejects(callForEver(), isCode(Code.DEADLINE_EXCEEDED));
  assert.equal(node.session.end, undefined);
});

Deno.test("FakeVm.lose() takes the VM away without a word to the node", async () => {
  await using node = await TestNode.start();
  node.vm.lose();
  assert.deepEqual(await node.provider.list(AbortSignal.timeout(5000)), []);
  await assert.rejects(node.sandbox.describe({}, { timeoutMs: 10 }), isCode(Code.DEADLINE_EXCEEDED));
  assert.equal(node.session.end, undefined);
});

Deno.test("FakeVm.reboot() changes the boot id and ends what ran", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.container("one");
  await node.containers.start({ containerId: "one" });
  node.vm.reboot();
  await node.session.closed;
  await node.link();
  assert.notEqual(node.hellos[0]?.bootId, node.hellos[1]?.bootId);
  assert.equal(node.hellos[1]?.sandboxId, SANDBOX_ID);
  const { containers } = await node.sandbox.describe({});
  assert.deepEqual([containers[0]?.state?.phase, containers[0]?.state?.exitCode], [
    ContainerPhase.EXITED,
    137,
  ]);
});

Deno.test("FakeVm.restartAgent() begins a new run in which containers live on", async () => {
  await using node = await TestNode.start();
  await node.configure();
  await node.container("one");
  await node.containers.start({ containerId: "one" });
  const { incarnation } = node.vm.agent;
  node.vm.restartAgent();
  await node.link();
  assert.equal(node.hellos[0]?.bootId, node.hellos[1]?.bootId);
  assert.notEqual(node.vm.agent.incarnation, incarnation);
  assert.equal((await node.sandbox.describe({})).containers[0]?.state?.phase, ContainerPhase.RUNNING);
});

Deno.test("FakeAgent ends its VM on Shutdown, and dials again only after a reboot", async () => {
  await using node = await TestNode.start();
  await node.sandbox.shutdown({ graceMs: 0n });
  await node.session.closed;
  assert.equal(node.vm.state, "stopped");
  const linked = node.link();
  node.vm.reboot();
  await linked;
  assert.equal(node.vm.state, "running");
});

Deno.test("FakeVm.flood() sends as many changes as it was told", async () => {
  await using node = await TestNode.start();
  let changes = 0;
  for await (const { event } of node.watch()) {
    if (event.case === "snapshot") node.vm.flood("ghost", 5000);
    if (event.case === "changed") changes += 1;
    if (event.case === "heartbeat" && changes > 0) break;
  }
  assert.equal(changes, 5000);
});

Deno.test("FakeVm.sendSnapshot() tells what a test makes up, emitRawLog() breaks the framing", async () => {
  await using node = await TestNode.start();
  const seen: string[] = [];
  for await (const { event } of node.watch()) {
    if (event.case !== "snapshot") continue;
    seen.push(event.value.sandboxId);
    if (seen.length === 2) break;
    node.vm.sendSnapshot({ sandboxId: "f".repeat(64), containers: [{ id: "ghost" }] });
  }
  assert.deepEqual(seen, ["", "f".repeat(64)]);
  await node.configure();
  await node.container("one");
  await node.containers.start({ containerId: "one" });
  node.vm.emitRawLog("one", new TextEncoder().encode("no framing"));
  node.vm.exitContainer("one", 0);
  assert.equal(await node.logs("one"), "no framing");
});
