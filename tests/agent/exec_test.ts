// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Code } from "../../protocol/status.ts";
import { execute, processesWith, rejects, untilLogged } from "./calls.ts";
import { LocalAgent } from "./local_agent.ts";
import { shell } from "./requests.ts";

/** An agent with one container that waits. */
async function withContainer(): Promise<LocalAgent> {
  const agent = await LocalAgent.start();
  const envs = [{ key: "COLOUR", value: new TextEncoder().encode("blue") }];
  const config = { envs, workingDir: "/usr" };
  await agent.containers.create(
    shell("c1", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", config),
  );
  await agent.containers.start({ containerId: "c1" });
  return agent;
}

Deno.test("Exec runs a command with the container's environment and working directory", async () => {
  await using agent = await withContainer();
  const script = 'echo "$COLOUR $PWD $HOSTNAME"; echo oops >&2; exit 42';
  const result = await execute(agent.containers, "c1", ["sh", "-c", script]);
  assert.deepEqual(result, { stdout: "blue /usr pod-1\n", stderr: "oops\n", exitCode: 42 });
});

Deno.test("Exec tells a signal as 128 and its number", async () => {
  await using agent = await withContainer();
  const { exitCode } = await execute(agent.containers, "c1", ["sh", "-c", "kill -KILL $$"]);
  assert.equal(exitCode, 137);
});

Deno.test("Exec carries megabytes, and discards what exceeds the limit", async () => {
  await using agent = await withContainer();
  const script = "head -c 3000000 /dev/zero; head -c 500 /dev/zero >&2";
  const whole = await execute(agent.containers, "c1", ["sh", "-c", script]);
  assert.deepEqual([whole.stdout.length, whole.stderr.length, whole.exitCode], [3_000_000, 500, 0]);
  const cut = await execute(agent.containers, "c1", ["sh", "-c", script], { outputLimit: 100_000 });
  assert.deepEqual([cut.stdout.length, cut.stderr.length, cut.exitCode], [100_000, 500, 0]);
});

Deno.test("Exec feeds the command's input and closes it", async () => {
  await using agent = await withContainer();
  const { stdout } = await execute(agent.containers, "c1", ["tr", "a-z", "A-Z"], { stdin: "shout\n" });
  assert.equal(stdout, "SHOUT\n");
});

Deno.test("Exec kills a command that does not end in time, with all that it has started", async () => {
  await using agent = await withContainer();
  const script = "sleep 1000 & sh -ic 'sleep 1000 & wait' 2>/dev/null & (trap '' TERM; sleep 1000) & wait";
  const call = execute(agent.containers, "c1", ["sh", "-c", script], { timeoutMs: 400 });
  await rejects(
    call,
    Code.DEADLINE_EXCEEDED,
    /Command "sh" in container c1 did not end within 400 ms and was killed/,
  );
  assert.deepEqual(await processesWith("INFRANETES_EXEC_IN=c1"), []);
});

Deno.test("Exec kills the command when the call is cancelled", async () => {
  await using agent = await withContainer();
  const stop = new AbortController();
  const seen = Promise.withResolvers<number>();
  const call = execute(agent.containers, "c1", ["sh", "-c", "echo $$; exec sleep 1000"], {
    signal: stop.signal,
    onoutput: (text) => seen.resolve(Number(text)),
  });
  const pid = await seen.promise;
  stop.abort();
  await rejects(call, Code.CANCELLED, /./);
  await gone(pid);
});

Deno.test("Exec kills the command when the session ends", async () => {
  await using agent = await withContainer();
  const seen = Promise.withResolvers<number>();
  const call = execute(agent.containers, "c1", ["sh", "-c", "echo $$; exec sleep 1000"], {
    onoutput: (text) => seen.resolve(Number(text)),
  });
  const failed = rejects(call, Code.UNAVAILABLE, /./);
  const pid = await seen.promise;
  agent.node.close("node is gone");
  await failed;
  await gone(pid);
});

Deno.test("Exec ends although the command left a daemon that holds its outputs", async () => {
  await using agent = await withContainer();
  const { stdout, exitCode } = await execute(agent.containers, "c1", [
    "sh",
    "-c",
    "setsid sleep 1000 & sleep 1000 & echo done",
  ]);
  assert.deepEqual([stdout, exitCode], ["done\n", 0]);
});

Deno.test("Exec dies with its container", async () => {
  await using agent = await withContainer();
  await untilLogged(agent.containers, "c1", "ready");
  const seen = Promise.withResolvers<void>();
  const call = execute(agent.containers, "c1", ["sh", "-c", "echo on; exec sleep 1000"], {
    onoutput: () => seen.resolve(),
  });
  await seen.promise;
  await agent.containers.stop({ containerId: "c1", graceMs: 20_000n });
  assert.equal((await call).exitCode, 137);
});

Deno.test("Exec refuses what it cannot do", async () => {
  await using agent = await withContainer();
  const { containers } = agent;
  await rejects(execute(containers, "c1", []), Code.INVALID_ARGUMENT, /is empty/);
  await rejects(
    execute(containers, "c1", ["no-such-command"]),
    Code.FAILED_PRECONDITION,
    /not found in PATH/,
  );
  await rejects(execute(containers, "c2", ["true"]), Code.NOT_FOUND, /c2 does not exist/);
  await containers.create(shell("c2", "true"));
  await rejects(execute(containers, "c2", ["true"]), Code.FAILED_PRECONDITION, /not running/);
});

/** Resolves when the process has ended, at once or in a moment: it is no child of this test. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => undefined);
    if (stat === undefined || / [ZX] /.test(stat.slice(stat.lastIndexOf(")")))) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
