// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { ContainerPhase, MountSource } from "../../protocol/gen/agent_pb.ts";
import { Signal } from "../../protocol/gen/cri_pb.ts";
import { Code } from "../../protocol/status.ts";
import { processesOf, readLog, records, rejects, untilLogged } from "./calls.ts";
import { LocalAgent } from "./local_agent.ts";
import { configureRequest, createRequest, shell } from "./requests.ts";

const { CREATED, RUNNING, EXITED } = ContainerPhase;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("Containers runs a command, keeps its log and tells how it ended", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  const created = await containers.create(shell("c1", "echo hello; echo oops >&2; printf end; exit 3"));
  assert.equal(created.state?.phase, CREATED);
  assert.notEqual(created.state.createdAt, 0n);
  const started = await containers.start({ containerId: "c1" });
  assert(started.state!.sequence > created.state.sequence);
  const log = await readLog(containers, "c1");
  const lines = records(log);
  assert.deepEqual(lines.filter((line) => line.startsWith("stdout")), ["stdout F hello", "stdout F end"]);
  assert.deepEqual(lines.filter((line) => line.startsWith("stderr")), ["stderr F oops"]);
  const { state } = await containers.stop({ containerId: "c1" });
  assert(state);
  const { phase, exitCode, reason, logEnd, pid } = state;
  assert.deepEqual({ phase, exitCode, reason, logEnd, pid }, {
    phase: EXITED,
    exitCode: 3,
    reason: "Error",
    logEnd: BigInt(log.length),
    pid: 0,
  });
  assert(state.startedAt >= state.createdAt && state.finishedAt >= state.startedAt);
});

Deno.test("Containers gives a command its arguments, environment and working directory, and nothing of the agent's", async () => {
  Deno.env.set("AGENTS_OWN", "secret");
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(createRequest("c1", {
    command: ["/bin/sh", "-c", 'pwd; echo "$0 $1"; env'],
    args: ["zero", "o n e"],
    workingDir: "/usr",
    envs: [{ key: "GREETING", value: new TextEncoder().encode("hällo world") }],
  }));
  await containers.start({ containerId: "c1" });
  const lines = records(await readLog(containers, "c1")).map((line) => line.slice("stdout F ".length));
  assert.deepEqual(lines.slice(0, 2), ["/usr", "zero o n e"]);
  const variables = lines.slice(2).map((line) => line.split("=")[0]).sort();
  const shells = ["OLDPWD", "PWD", "SHLVL", "_"];
  assert.deepEqual(variables.filter((name) => !shells.includes(name!)), [
    "GREETING",
    "HOSTNAME",
    "INFRANETES_CONTAINER_ID",
    "INFRANETES_TERMINATION_LOG",
    "PATH",
  ]);
  assert(lines.includes("GREETING=hällo world") && lines.includes("HOSTNAME=pod-1"));
  Deno.env.delete("AGENTS_OWN");
});

Deno.test("Containers refuses a configuration that cannot be run, and leaves nothing of it", async () => {
  await using agent = await LocalAgent.start();
  const { containers, directory } = agent;
  const envs = [{ key: "BAD", value: Uint8Array.of(0xc3, 0x28) }];
  await rejects(
    containers.create(shell("c1", "true", { envs })),
    Code.INVALID_ARGUMENT,
    /variable BAD .* not UTF-8/,
  );
  await rejects(
    containers.create(createRequest("c1", {})),
    Code.INVALID_ARGUMENT,
    /neither command nor args/,
  );
  await rejects(
    containers.create(shell("c1", "true", { tty: true })),
    Code.UNIMPLEMENTED,
    /does not support tty/,
  );
  const mounts = [{ containerPath: "/data", source: MountSource.EMPTY_DIR, readOnly: false }];
  await rejects(
    containers.create({ ...shell("c1", "true"), mounts }),
    Code.UNIMPLEMENTED,
    /cannot mount \/data/,
  );
  await rejects(
    containers.create(shell("../c1", "true")),
    Code.INVALID_ARGUMENT,
    /container id "\.\.\/c1" must be/,
  );
  const garbage = { ...shell("c1", "true"), config: Uint8Array.of(0xff) };
  await rejects(containers.create(garbage), Code.INVALID_ARGUMENT, /not a runtime\.v1\.ContainerConfig/);
  const left = await Array.fromAsync(Deno.readDir(`${directory}/containers`));
  assert.deepEqual(left, []);
  await rejects(containers.start({ containerId: "c1" }), Code.NOT_FOUND, /Container c1 does not exist/);
});

const UNSTARTABLE: readonly [why: string, config: Parameters<typeof createRequest>[1], message: RegExp][] = [
  [
    "a working directory that does not exist",
    { command: ["true"], workingDir: "/no/such" },
    /working directory "\/no\/such" does not exist/,
  ],
  [
    "a command that is not in PATH",
    { command: ["no-such-command"] },
    /"no-such-command": executable file not found in PATH/,
  ],
  ["a file that does not exist", { command: ["/no/such"] }, /"\/no\/such": no such file/],
  ["a file that is not executable", { command: ["/etc/passwd"] }, /"\/etc\/passwd": permission denied/],
];

for (const [why, config, message] of UNSTARTABLE) {
  Deno.test(`Containers ends a container with StartError that has ${why}`, async () => {
    await using agent = await LocalAgent.start();
    const { containers } = agent;
    await containers.create(createRequest("c1", config));
    await rejects(containers.start({ containerId: "c1" }), Code.FAILED_PRECONDITION, message);
    const { state } = await containers.stop({ containerId: "c1" });
    assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [EXITED, 128, "StartError"]);
    assert.match(state!.message, message);
    assert.equal(await readLog(containers, "c1"), "");
    // Again, from what is known.
    await rejects(containers.start({ containerId: "c1" }), Code.FAILED_PRECONDITION, message);
  });
}

Deno.test("Containers stops a container with its stop signal and waits for it", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  const script = (signal: string) =>
    `trap 'echo got ${signal}; exit 7' ${signal}; echo ready; while :; do sleep 0.05; done`;
  await containers.create(shell("term", script("TERM")));
  await containers.create(shell("usr1", script("USR1"), { stopSignal: Signal.SIGUSR1 }));
  const realTime = "trap 'exit 9' RTMIN+3; echo ready; while :; do sleep 0.05; done";
  await containers.create(
    createRequest("rt", { command: ["bash", "-c", realTime], stopSignal: Signal.SIGRTMINPLUS3 }),
  );
  for (const [containerId, exitCode] of [["term", 7], ["usr1", 7], ["rt", 9]] as const) {
    await containers.start({ containerId });
    await untilLogged(containers, containerId, "ready");
    const { state } = await containers.stop({ containerId, graceMs: 20_000n });
    assert.deepEqual(
      [state?.phase, state?.exitCode, state?.reason],
      [EXITED, exitCode, "Error"],
      containerId,
    );
  }
});

Deno.test("Containers kills a container that ignores its stop signal, with all that it has started", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  // A child in the group, one in a group of its own, and a daemon that left the session and its outputs.
  const script =
    `trap '' TERM; sleep 100 & sh -ic 'sleep 100 &' 2>/dev/null; setsid sleep 100 >/dev/null 2>&1 &
    echo ready; while :; do sleep 0.05; done`;
  await containers.create(shell("stubborn", script));
  await containers.start({ containerId: "stubborn" });
  await untilLogged(containers, "stubborn", "ready");
  assert((await processesOf("stubborn")).length >= 3);
  const { state } = await containers.stop({ containerId: "stubborn", graceMs: 50n });
  assert.deepEqual([state?.phase, state?.exitCode], [EXITED, 137]);
  assert.deepEqual(await processesOf("stubborn"), []);
});

Deno.test("Containers ends a container whose children keep its output open", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "setsid sleep 1000 & sleep 1000 & echo done"));
  await containers.start({ containerId: "c1" });
  assert.deepEqual(records(await readLog(containers, "c1")), ["stdout F done"]);
  assert.deepEqual(await processesOf("c1"), []);
  const { state } = await containers.stop({ containerId: "c1" });
  assert.deepEqual([state?.exitCode, state?.reason], [0, "Completed"]);
});

Deno.test("Containers reads the termination message back before it tells the end", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  const mounts = [{
    containerPath: "/dev/termination-log",
    source: MountSource.TERMINATION_LOG,
    readOnly: false,
  }];
  const request = shell(
    "c1",
    'yes x | head -c 9000 > "$INFRANETES_TERMINATION_LOG"; printf end >> "$INFRANETES_TERMINATION_LOG"',
  );
  await containers.create({ ...request, mounts });
  await containers.start({ containerId: "c1" });
  await readLog(containers, "c1");
  const { state } = await containers.stop({ containerId: "c1" });
  assert.equal(state?.terminationMessage.length, 4096);
  assert(decode(state.terminationMessage).endsWith("x\nend"));
});

Deno.test("Containers answers the same request twice alike and refuses another one", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  const request = shell("c1", "true");
  const first = await containers.create(request);
  const again = await Promise.all([containers.create(request), containers.create(request)]);
  for (const response of again) assert.deepEqual(response, first);
  await rejects(containers.create(shell("c1", "false")), Code.ALREADY_EXISTS, /c1 exists already/);
  const elsewhere = { ...shell("c2", "true"), sandboxId: "other" };
  await rejects(
    containers.create(elsewhere),
    Code.FAILED_PRECONDITION,
    /a container of other cannot be here/,
  );
});

Deno.test("Containers warns once a pod of what it does not get", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  const mounts = [{ containerPath: "/etc/hosts", source: MountSource.HOSTS_FILE, readOnly: false }];
  const { warnings } = await containers.create({ ...shell("c1", "true"), mounts });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /plain processes; not enforced: .*; not presented: \/etc\/hosts$/);
  assert.deepEqual((await containers.create({ ...shell("c2", "true"), mounts })).warnings, []);
});

Deno.test("Containers starts a container once, however often it is asked", async () => {
  await using agent = await LocalAgent.start();
  const { containers } = agent;
  await containers.create(shell("c1", "echo run; read forever < /dev/zero"));
  const answers = await Promise.all([1, 2, 3].map(() => containers.start({ containerId: "c1" })));
  for (const { state } of answers) assert.equal(state?.phase, RUNNING);
  await untilLogged(containers, "c1", "run");
  await containers.stop({ containerId: "c1" });
  assert.deepEqual(records(await readLog(containers, "c1")), ["stdout F run"]);
  assert.equal((await containers.start({ containerId: "c1" })).state?.phase, EXITED);
  assert.deepEqual(records(await readLog(containers, "c1")), ["stdout F run"]);
});

Deno.test("Containers leaves a container that never ran as it is when it is stopped", async () => {
  await using agent = await LocalAgent.start();
  await agent.containers.create(shell("c1", "true"));
  assert.equal((await agent.containers.stop({ containerId: "c1" })).state?.phase, CREATED);
});

Deno.test("Containers removes a container in any state and leaves nothing of it", async () => {
  await using agent = await LocalAgent.start();
  const { containers, directory } = agent;
  await containers.create(shell("running", "sleep 1000"));
  await containers.start({ containerId: "running" });
  await containers.create(shell("created", "true"));
  const reading = readLog(containers, "running");
  for (const containerId of ["running", "created", "unknown"]) await containers.remove({ containerId });
  // Whether it still sees the end of the log or that the container is gone: it ends.
  await Promise.allSettled([reading]);
  assert.deepEqual(await processesOf("running"), []);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${directory}/containers`)), []);
  assert.deepEqual((await agent.sandbox.describe({})).containers, []);
});

Deno.test("Sandbox binds a VM to one sandbox for ever", async () => {
  await using agent = await LocalAgent.start({ configure: false });
  const { sandbox, containers } = agent;
  await rejects(
    containers.create(shell("c1", "true")),
    Code.FAILED_PRECONDITION,
    /not bound to a sandbox yet/,
  );
  const request = configureRequest("s1", { hostname: "one" });
  const { bootId } = await sandbox.configure(request);
  assert.match(bootId, /^[0-9a-f-]{36}$/);
  assert.deepEqual((await sandbox.configure(request)).bootId, bootId);
  await rejects(sandbox.configure(configureRequest("s2")), Code.FAILED_PRECONDITION, /bound to sandbox s1/);
  const other = configureRequest("s1", { hostname: "two" });
  await rejects(sandbox.configure(other), Code.FAILED_PRECONDITION, /with another configuration/);
  const { sandboxId, config, addresses } = await sandbox.describe({});
  assert.deepEqual({ sandboxId, config, addresses }, request);
});

Deno.test("Sandbox shuts down: stops all containers, answers, then ends", async () => {
  await using agent = await LocalAgent.start();
  const { containers, sandbox } = agent;
  await containers.create(shell("c1", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"));
  await containers.start({ containerId: "c1" });
  await untilLogged(containers, "c1", "ready");
  await sandbox.shutdown({ graceMs: 20_000n });
  await agent.ended;
  assert.equal(agent.agent.containers.get("c1")?.engine.facts().exit?.exitCode, 5);
  assert.equal((await agent.node.closed).reason, "VM is shut down");
});

Deno.test("Containers ends a container with StartError whose monitor cannot be started", async () => {
  await using agent = await LocalAgent.start({ engine: { monitor: ["/bin/sh", "-c", "exit 9"] } });
  const { containers } = agent;
  await containers.create(shell("c1", "true"));
  await rejects(
    containers.start({ containerId: "c1" }),
    Code.FAILED_PRECONDITION,
    /^Monitor ended with code 9/,
  );
  const { state } = await containers.stop({ containerId: "c1" });
  assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [EXITED, 128, "StartError"]);
});

Deno.test("Containers kills a container whose monitor does not do it", async () => {
  const impatient = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal),
  };
  await using agent = await LocalAgent.start({ engine: { clock: impatient } });
  const { containers, directory } = agent;
  await containers.create(shell("c1", "sleep 1000"));
  await containers.start({ containerId: "c1" });
  const { monitor } = JSON.parse(await Deno.readTextFile(`${directory}/containers/c1/started.json`));
  // From now on it hears no command.
  Deno.kill(monitor, "SIGSTOP");
  const { state } = await containers.stop({ containerId: "c1" });
  assert.deepEqual([state?.phase, state?.exitCode, state?.reason], [EXITED, 137, "MonitorLost"]);
  assert.deepEqual(await processesOf("c1"), []);
});
