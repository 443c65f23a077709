// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomIds } from "../../lib/ids.ts";
import { parseIdentity } from "../../providers/process/identity.ts";
import type { PodProvider, Vm, VmSpec, VmState } from "../../providers/provider.ts";
import { spawnNode } from "./node_process.ts";
import { kill, ProcessWorld } from "./process_world.ts";
import { STAND_IN_AGENT, StandInListener } from "./stand_in_listener.ts";

const signal = AbortSignal.timeout(120_000);
/** A new one each run: two runs at a time must not delete each other's VMs. */
const VM_ID = randomIds.vmId();

/** One VM with a stand-in agent, and everything that a test of it needs. */
class Fixture implements AsyncDisposable {
  readonly world: ProcessWorld;
  readonly provider: PodProvider;
  readonly listener: StandInListener;
  readonly #directory: string;

  private constructor(world: ProcessWorld, provider: PodProvider, directory: string) {
    this.world = world;
    this.provider = provider;
    this.#directory = directory;
    this.listener = new StandInListener(directory);
  }

  static async create(): Promise<Fixture> {
    const world = await ProcessWorld.create(STAND_IN_AGENT);
    return new Fixture(world, await world.newProvider(), await Deno.makeTempDir());
  }

  create(provider: PodProvider = this.provider, userData: Record<string, unknown> = {}): Promise<Vm> {
    const tags = { cluster: "suite", node: "node-1", vmId: VM_ID, sandboxId: "", createdAt: 0 };
    const spec: VmSpec = {
      vmId: VM_ID,
      token: "token",
      tags,
      cpus: 1,
      memoryBytes: 1,
      image: "",
      userData: JSON.stringify({ socket: this.listener.socket, ...userData }),
      cgroupParent: "",
    };
    return provider.create(spec, signal);
  }

  /** Asks until the VM is in this state: the provider has no events. */
  async until(state: VmState): Promise<void> {
    while ((await this.provider.describe(VM_ID, signal)).state !== state) await turn();
  }

  async delete(): Promise<void> {
    await this.provider.delete(VM_ID, signal);
    await assert.rejects(this.provider.describe(VM_ID, signal), { name: "NotFoundError" });
  }

  async supervisor(): Promise<number> {
    return parseIdentity(await Deno.readTextFile(join(this.world.directory, VM_ID, "init")))!.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close();
    await this.world[Symbol.asyncDispose]();
    await this.listener[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("process VM: an agent that is killed is started again at once", async () => {
  await using fixture = await Fixture.create();
  const begin = performance.now();
  await fixture.create();
  const first = await fixture.listener.next();
  const startMs = performance.now() - begin;
  const killedAt = performance.now();
  kill(first.pid);
  const second = await fixture.listener.next();
  const restartMs = performance.now() - killedAt;
  assert.notEqual(second.pid, first.pid);
  assert.ok(restartMs < 2 * startMs + 200, `Took ${restartMs} ms; a first start takes ${startMs} ms`);
  assert.equal((await fixture.provider.describe(VM_ID, signal)).state, "running");
  const log = new TextDecoder().decode(await fixture.provider.console!(VM_ID, 10_000, signal));
  assert.match(log, /Agent ended with code 137: starting it again in 0.05 s/);
});

Deno.test("process VM: has one supervisor, however many calls make it at the same time", async () => {
  await using fixture = await Fixture.create();
  const other = await fixture.world.newProvider();
  await Promise.all([1, 2, 3].flatMap(() => [fixture.create(), fixture.create(other)]));
  await fixture.listener.next();
  const shells = (await fixture.world.processes()).filter(({ command }) =>
    command.startsWith("/bin/sh init.sh")
  );
  // The supervisor, and that which keeps its log.
  assert.equal(shells.length, 2);
  await other.close();
});

Deno.test("process VM: an agent that ends with 0 has powered its VM off", async () => {
  await using fixture = await Fixture.create();
  await fixture.create();
  const agent = await fixture.listener.next();
  await agent.exit(0);
  await fixture.until("stopped");
  // The token's VM is the stopped one: nothing starts it again.
  assert.equal((await fixture.create()).state, "stopped");
  await fixture.delete();
});

Deno.test("process VM: an agent that fails is started again", async () => {
  await using fixture = await Fixture.create();
  await fixture.create();
  await (await fixture.listener.next()).exit(3);
  await (await fixture.listener.next()).exit(3);
  assert.equal((await fixture.listener.next()).vmId, VM_ID);
});

Deno.test("process VM: is stopped when its supervisor is killed, and delete() ends the agent that was left", async () => {
  await using fixture = await Fixture.create();
  const before = await fixture.world.inventory();
  await fixture.create();
  const agent = await fixture.listener.next();
  kill(await fixture.supervisor());
  await fixture.until("stopped");
  await fixture.delete();
  await agent.ended;
  assert.deepEqual(await fixture.world.inventory(), before);
});

Deno.test("process VM: delete() kills daemons that left session, group and environment", async () => {
  await using fixture = await Fixture.create();
  const before = await fixture.world.inventory();
  await fixture.create(fixture.provider, { daemons: ["marked", "bare", "container"] });
  const agent = await fixture.listener.next();
  const bare = await childOf(agent.pid, "sleep");
  while ((await fixture.world.processes()).filter(({ command }) => /sleep 300 $/.test(command)).length < 2) {
    await turn();
  }
  await fixture.delete();
  assert.deepEqual(await fixture.world.inventory(), before);
  await assert.rejects(Deno.stat(`/proc/${bare}/exe`), Deno.errors.NotFound);
});

Deno.test("process VM: lives on when the process that made it is killed", async () => {
  await using fixture = await Fixture.create();
  const child = spawnNode(fixture.world.directory, VM_ID, "create", fixture.listener.socket);
  const agent = await fixture.listener.next();
  child.kill("SIGKILL");
  await child.status;
  await child.stdin.close();
  const [vm] = await fixture.provider.list(signal);
  assert.deepEqual([vm?.tags.vmId, vm?.state], [VM_ID, "running"]);
  kill(agent.pid);
  assert.equal((await fixture.listener.next()).vmId, VM_ID);
});

Deno.test("process VM: what its agent writes is kept, the last of it, in bounded files", async () => {
  await using fixture = await Fixture.create();
  await fixture.create(fixture.provider, { noise: 6000 });
  await fixture.listener.next();
  const directory = join(fixture.world.directory, VM_ID);
  let size = 0;
  for (const name of ["agent.log", "agent.log.1"]) {
    // Between two files there is none of the first name for a moment.
    size += await Deno.stat(join(directory, name)).then((file) => file.size, () => 0);
  }
  assert.ok(size > 0 && size <= 4 * 2 ** 20, `The log has ${size} bytes`);
  while (
    !new TextDecoder().decode(await fixture.provider.console!(VM_ID, 2000, signal)).includes("noise 5999")
  ) {
    await turn();
  }
});

Deno.test("process VM: gets nothing of the node's environment but where programs are", async () => {
  Deno.env.set("AWS_SECRET_ACCESS_KEY", "secret");
  try {
    await using fixture = await Fixture.create();
    await fixture.create();
    const { environment } = await fixture.listener.next();
    assert.equal(environment.includes("AWS_SECRET_ACCESS_KEY"), false);
    const allowed = [
      "DENO_DIR",
      "HOME",
      "INFRANETES_VM",
      "LANG",
      "LC_ALL",
      "NO_COLOR",
      "PATH",
      "PWD",
      "TMPDIR",
      "TZ",
    ];
    assert.deepEqual(environment.filter((name) => !allowed.includes(name)), []);
    const { mode } = await Deno.stat(join(fixture.world.directory, VM_ID, "user-data.json"));
    assert.equal(mode! & 0o777, 0o600);
    assert.equal((await Deno.stat(join(fixture.world.directory, VM_ID))).mode! & 0o777, 0o700);
  } finally {
    Deno.env.delete("AWS_SECRET_ACCESS_KEY");
  }
});

/** The child of a process that runs `program`, as soon as it does. */
async function childOf(parent: number, program: string): Promise<number> {
  for (;;) {
    const children = (await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`)).trim().split(" ");
    for (const pid of children) {
      // Another child may end while we look.
      const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
      if (name.trim() === program) return Number(pid);
    }
    await turn();
  }
}
