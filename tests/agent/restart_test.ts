// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { ContainerPhase, type ContainerState } from "../../protocol/gen/agent_pb.ts";
import type { AgentLink } from "../../cri/agent_link.ts";
import { execute, processesOf, processesWith, readLog, records, untilLogged } from "./calls.ts";
import { configureRequest, SANDBOX_ID, shell } from "./requests.ts";
import { VmProcess } from "./vm_process.ts";

const { CREATED, RUNNING, EXITED } = ContainerPhase;

/** A VM whose agent runs, bound to the sandbox. */
async function startVm(...containers: string[]): Promise<{ vm: VmProcess; link: AgentLink }> {
  const vm = await VmProcess.create();
  vm.expect(...containers);
  const link = await vm.start();
  await link.sandbox.configure(configureRequest(SANDBOX_ID));
  return { vm, link };
}

async function stateOf(link: AgentLink, id: string): Promise<ContainerState | undefined> {
  const { containers } = await link.sandbox.describe({});
  return containers.find((container) => container.id === id)?.state;
}

Deno.test("vmserver killed again and again loses and doubles no line of a container that writes", async () => {
  const started = await startVm("restart1");
  await using vm = started.vm;
  let { link } = started;
  const script = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo $i; done; exit 9";
  await link.containers.create(shell("restart1", script));
  const before = (await link.containers.start({ containerId: "restart1" })).state!;
  let log = "";
  for (let kills = 0; kills < 4;) {
    try {
      const decoder = new TextDecoder();
      for await (
        const { offset, data } of link.containers.logs({
          containerId: "restart1",
          offset: BigInt(log.length),
        })
      ) {
        assert.equal(Number(offset), log.length);
        log += decoder.decode(data);
        // In the middle of the stream, with more of it on its way.
        if (kills < 3 && log.length > kills * 300_000) break;
      }
    } finally {
      kills += 1;
    }
    if (kills === 4) break;
    await vm.signal("SIGKILL");
    link = await vm.start();
  }
  assert.deepEqual(
    records(log).map((line) => line.slice(9)),
    Array.from({ length: 60_000 }, (_, i) => String(i + 1)),
  );
  const after = (await link.containers.stop({ containerId: "restart1" })).state!;
  assert.deepEqual([after.exitCode, after.startedAt, Number(after.logEnd)], [
    9,
    before.startedAt,
    log.length,
  ]);
});

Deno.test("vmserver killed and started again finds its containers as they are", async () => {
  const { vm, link } = await startVm("restart2a", "restart2b");
  await using _ = vm;
  await link.containers.create(shell("restart2a", "true"));
  await link.containers.create(
    shell("restart2b", "trap 'exit 8' TERM; echo ready; while :; do sleep 0.05; done"),
  );
  await link.containers.start({ containerId: "restart2b" });
  await untilLogged(link.containers, "restart2b", "ready");
  const before = [await stateOf(link, "restart2a"), await stateOf(link, "restart2b")];
  const { bootId } = link.hello;
  await vm.signal("SIGKILL");
  const again = await vm.start();
  assert.deepEqual([again.hello.sandboxId, again.hello.bootId], [SANDBOX_ID, bootId]);
  const after = [await stateOf(again, "restart2a"), await stateOf(again, "restart2b")];
  const facts = (
    state?: ContainerState,
  ) => [state?.phase, state?.createdAt, state?.startedAt, state?.pid, state?.logEnd];
  assert.deepEqual(after.map(facts), before.map(facts));
  assert.deepEqual(after.map((state) => state?.phase), [CREATED, RUNNING]);
  assert.equal((await execute(again.containers, "restart2b", ["echo", "hi"])).stdout, "hi\n");
  assert.equal((await again.containers.start({ containerId: "restart2a" })).state?.phase !== CREATED, true);
  const { state } = await again.containers.stop({ containerId: "restart2b", graceMs: 20_000n });
  assert.deepEqual([state?.phase, state?.exitCode], [EXITED, 8]);
});

Deno.test("vmserver learns of an end that it was not there for", async () => {
  const { vm, link } = await startVm("restart3");
  await using _ = vm;
  const script =
    'echo first; read go < "$GO"; echo last; printf because > "$INFRANETES_TERMINATION_LOG"; exit 11';
  const envs = [{ key: "GO", value: new TextEncoder().encode(`${vm.directory}/fifo`) }];
  await new Deno.Command("mkfifo", { args: [`${vm.directory}/fifo`] }).output();
  await link.containers.create(shell("restart3", script, { envs }));
  const { state: before } = await link.containers.start({ containerId: "restart3" });
  await vm.signal("SIGKILL");
  const directory = `${vm.state}/containers/restart3`;
  const ended = fileAppears(directory, "exit.json");
  await Deno.writeTextFile(`${vm.directory}/fifo`, "go\n");
  await ended;
  const restartedAt = BigInt(Date.now()) * 1_000_000n;
  const again = await vm.start();
  const state = await stateOf(again, "restart3");
  assert.deepEqual([state?.phase, state?.exitCode, state?.startedAt], [EXITED, 11, before?.startedAt]);
  assert(state!.finishedAt <= restartedAt);
  assert.equal(new TextDecoder().decode(state?.terminationMessage), "because");
  assert.deepEqual(records(await readLog(again.containers, "restart3")), ["stdout F first", "stdout F last"]);
  assert.deepEqual(await processesOf("restart3"), []);
});

for (const file of ["start.json", "starting.json", "started.json", "monitor.sock", "exit.json"]) {
  Deno.test(`vmserver killed as soon as ${file} is there runs the container once`, async () => {
    const id = `crash-${file.replace(".", "-")}`;
    const { vm, link } = await startVm(id);
    await using _ = vm;
    const runs = `${vm.directory}/runs`;
    await link.containers.create(shell(id, `echo run >> ${runs}; echo hello; exit 5`));
    const appeared = fileAppears(`${vm.state}/containers/${id}`, file);
    const call = link.containers.start({ containerId: id }).catch(() => {});
    await appeared;
    await vm.signal("SIGKILL");
    await call;
    const again = await vm.start();
    // A monitor that was on its way may still take up the start: it does so once or never.
    await again.containers.start({ containerId: id });
    const log = await readLog(again.containers, id);
    const { state } = await again.containers.stop({ containerId: id });
    assert.deepEqual([state?.phase, state?.exitCode], [EXITED, 5]);
    assert.deepEqual(records(log), ["stdout F hello"]);
    assert.equal(await Deno.readTextFile(runs), "run\n");
  });
}

Deno.test("vmserver killed while it creates or removes a container leaves none that is half there", async () => {
  const started = await startVm("half1", "half2");
  await using vm = started.vm;
  let { link } = started;
  const directory = `${vm.state}/containers`;
  const request = shell("half1", "sleep 1000");
  for (const file of ["half1", "container.json.new"]) {
    const appeared = file === "half1" ? fileAppears(directory, file) : fileAppearsBelow(directory, file);
    const call = link.containers.create(request).catch(() => {});
    await appeared;
    await vm.signal("SIGKILL");
    await call;
    link = await vm.start();
    const { state } = await link.containers.create(request);
    assert.equal(state?.phase, CREATED);
    await link.containers.remove({ containerId: "half1" });
  }
  await link.containers.create(request);
  await link.containers.start({ containerId: "half1" });
  const gone = fileDisappears(`${directory}/half1`, "container.json");
  const call = link.containers.remove({ containerId: "half1" }).catch(() => {});
  await gone;
  await vm.signal("SIGKILL");
  await call;
  link = await vm.start();
  assert.deepEqual((await link.sandbox.describe({})).containers, []);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
  assert.deepEqual(await processesOf("half1"), []);
});

Deno.test("vmserver records 137 for a container whose monitor was killed, kills what is left and keeps its log", async () => {
  const { vm, link } = await startVm("lost1");
  await using _ = vm;
  // Its outputs are closed, so that the death of their reader does not end it.
  const script =
    "echo hello; (setsid sleep 1000 >/dev/null 2>&1 &); exec >/dev/null 2>&1; while :; do sleep 0.05; done";
  await link.containers.create(shell("lost1", script));
  await link.containers.start({ containerId: "lost1" });
  await untilLogged(link.containers, "lost1", "hello");
  Deno.kill(await monitorOf(vm, "lost1"), "SIGKILL");
  assert.deepEqual(records(await readLog(link.containers, "lost1")), ["stdout F hello"]);
  const { state } = await link.containers.stop({ containerId: "lost1" });
  assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [EXITED, 137, "MonitorLost"]);
  assert.match(state!.message, /^Monitor of the container is gone/);
  assert.deepEqual(await processesOf("lost1"), []);
});

Deno.test("vmserver that was killed together with a monitor cleans up after both", async () => {
  const { vm, link } = await startVm("lost2");
  await using _ = vm;
  await link.containers.create(
    shell("lost2", "echo hello; exec >/dev/null 2>&1; while :; do sleep 0.05; done"),
  );
  await link.containers.start({ containerId: "lost2" });
  await untilLogged(link.containers, "lost2", "hello");
  const stopped = assert.rejects(execute(link.containers, "lost2", ["sleep", "1000"]));
  const monitor = await monitorOf(vm, "lost2");
  await vm.signal("SIGKILL");
  Deno.kill(monitor, "SIGKILL");
  await stopped;
  // As a record looks that was being written.
  const [segment] = await Array.fromAsync(
    Deno.readDir(`${vm.state}/containers/lost2/log`),
    ({ name }) => name,
  );
  await Deno.writeTextFile(`${vm.state}/containers/lost2/log/${segment}`, "2026-11-21T07:00", {
    append: true,
  });
  const again = await vm.start();
  const state = await stateOf(again, "lost2");
  assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [EXITED, 137, "MonitorLost"]);
  assert.deepEqual(records(await readLog(again.containers, "lost2")), ["stdout F hello"]);
  assert.deepEqual(await processesOf("lost2"), []);
});

Deno.test("vmserver ends commands of calls that an earlier run of it had taken", async () => {
  const { vm, link } = await startVm("exec1");
  await using _ = vm;
  await link.containers.create(shell("exec1", "while :; do sleep 0.05; done"));
  await link.containers.start({ containerId: "exec1" });
  const running = Promise.withResolvers<void>();
  const call = execute(link.containers, "exec1", ["sh", "-c", "echo on; exec sleep 1000"], {
    onoutput: () => running.resolve(),
  });
  const ended = assert.rejects(call);
  await running.promise;
  await vm.signal("SIGKILL");
  await ended;
  assert.equal((await processesWith("INFRANETES_EXEC_IN=exec1")).length, 1);
  const again = await vm.start();
  assert.deepEqual(await processesWith("INFRANETES_EXEC_IN=exec1"), []);
  assert.equal((await stateOf(again, "exec1"))?.phase, RUNNING);
});

Deno.test("vmserver ends by SIGTERM with 143 and leaves its containers running", async () => {
  const { vm, link } = await startVm("term1");
  await using _ = vm;
  await link.containers.create(shell("term1", "while :; do sleep 0.05; done"));
  const { state } = await link.containers.start({ containerId: "term1" });
  const { code } = await vm.signal("SIGTERM");
  assert.equal(code, 143);
  assert((await processesOf("term1")).includes(state!.pid));
  const again = await vm.start();
  assert.deepEqual((await stateOf(again, "term1"))?.pid, state?.pid);
});

Deno.test("vmserver ends with 0 when its node orders the end of the VM", async () => {
  const { vm, link } = await startVm("end1");
  await using _ = vm;
  await link.containers.create(shell("end1", "while :; do sleep 0.05; done"));
  await link.containers.start({ containerId: "end1" });
  await link.sandbox.shutdown({ graceMs: 0n });
  assert.equal((await vm.ended()).code, 0);
  assert.deepEqual(await processesOf("end1"), []);
});

async function monitorOf(vm: VmProcess, id: string): Promise<number> {
  return JSON.parse(await Deno.readTextFile(`${vm.state}/containers/${id}/started.json`)).monitor;
}

function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

/** Resolves as soon as `directory` holds the file. The watch has begun when this is called. */
function fileAppears(directory: string, name: string): Promise<void> {
  return watched(directory, () => exists(`${directory}/${name}`));
}

function fileDisappears(directory: string, name: string): Promise<void> {
  return watched(directory, async () => !await exists(`${directory}/${name}`));
}

/** As fileAppears, in a directory that is still to be made. */
function fileAppearsBelow(directory: string, name: string): Promise<void> {
  return watched(
    directory,
    (paths) => Promise.resolve(paths.some((path) => path.endsWith(`/${name}`))),
    true,
  );
}

async function watched(
  directory: string,
  done: (paths: string[]) => Promise<boolean>,
  recursive = false,
): Promise<void> {
  using watcher = Deno.watchFs(directory, { recursive });
  if (await done([])) return;
  for await (const { paths } of watcher) if (await done(paths)) return;
}
