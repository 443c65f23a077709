// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { PodView } from "../../cri/http/api.ts";
import { leftOn, nodeConfig, processesOf, type TestNode } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { client, command } from "./infranetes.ts";

const IMAGE = "infranetes.io/exec:latest";

interface PodBench {
  readonly node: TestNode;
  /** The node process that runs now; a test may replace it. */
  process: NodeProcess;
  run(...words: string[]): ReturnType<typeof client>;
  /** Writes a manifest and answers its path. */
  manifest(name: string, script: string, spec?: Record<string, unknown>): Promise<string>;
}

/** A node for one test. Afterwards nothing may be left of its pods: processes, rows, files. */
async function withNode(
  use: (bench: PodBench) => Promise<void>,
  extra: Record<string, unknown> = {},
): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "infranetes-pod-" });
  const node = await nodeConfig(work, extra);
  const bench: PodBench = {
    node,
    process: await NodeProcess.start(node),
    run: (...words) => client(node, ...words),
    async manifest(name, script, spec = {}) {
      const containers = [{ name: "main", image: IMAGE, command: ["sh", "-c"], args: [script] }];
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: { containers, terminationGracePeriodSeconds: 1, ...spec },
      };
      await Deno.writeTextFile(join(work, `${name}.yaml`), JSON.stringify(pod));
      return join(work, `${name}.yaml`);
    },
  };
  try {
    await use(bench);
    assert.deepEqual(JSON.parse((await bench.run("pod", "ls", "-o", "json")).stdout), []);
    assert.deepEqual(await leftOn(node), []);
    assert.deepEqual(await podFolders(node), []);
    await bench.process.end("SIGTERM");
    assert.deepEqual(await processesOf(node), []);
  } catch (error) {
    await bench.process.end("SIGTERM");
    throw new Error(`${(error as Error).message}\n${await bench.process.log()}`, { cause: error });
  } finally {
    for (const line of await processesOf(node)) Deno.kill(parseInt(line), "SIGKILL");
    await Deno.remove(work, { recursive: true });
  }
}

async function podFolders({ stateDir }: TestNode): Promise<string[]> {
  // Neither folder is there before the first pod.
  const namesIn = (part: string) =>
    Array.fromAsync(Deno.readDir(join(stateDir, part)), ({ name }) => name).catch(() => []);
  const lists = await Promise.all(["pods", "logs"].map(namesIn));
  return lists.flat();
}

async function inspect(bench: PodBench, name: string): Promise<PodView> {
  const { code, stdout, stderr } = await bench.run("pod", "inspect", name, "-o", "json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Reads a log as it grows until a line is there; answers everything read. */
async function followUntil({ node }: PodBench, name: string, line: string): Promise<string> {
  const child = command(["pod", "logs", name, "-f"], { INFRANETES_CLIENT_SOCKET: node.clientSocket }).spawn();
  let text = "";
  for await (
    const part of child.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    text += part;
    if (text.split("\n").includes(line)) break;
  }
  child.kill("SIGTERM");
  await child.stderr.cancel();
  await child.status;
  return text;
}

Deno.test("pod run, ls, logs, exec, inspect and rm do what they say, and rm leaves nothing", () =>
  withNode(async (bench) => {
    const file = await bench.manifest(
      "hello",
      'echo "to stderr" >&2; echo "to stdout"; sleep 0.2; echo done; exec sleep 1000',
    );
    const run = await bench.run("pod", "run", "-f", file);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^default\/hello is running at 127\.[\d.]+ \(VM ready after \d+ ms\)\n$/);
    assert.match((await bench.run("pod", "ls")).stdout, /\ndefault +hello +1\/1 +Running +0 /);

    await followUntil(bench, "hello", "done");
    const { stdout: log } = await bench.run("pod", "logs", "hello");
    assert.deepEqual(log.split("\n").sort(), ["", "done", "to stderr", "to stdout"]);
    assert.match(
      (await bench.run("pod", "logs", "hello", "--timestamps", "--tail", "1")).stdout,
      /^\d{4}-.*Z done\n$/,
    );

    const exec = await bench.run("pod", "exec", "hello", "--", "sh", "-c", "echo out; echo err >&2; exit 42");
    assert.deepEqual(exec, { code: 42, stdout: "out\n", stderr: "err\n" });

    const pod = await inspect(bench, "hello");
    assert.deepEqual([pod.phase, pod.containers[0]!.state, pod.vm.provider], ["Running", "running", "local"]);
    assert.deepEqual(Object.keys(pod.phases).slice(0, 2), ["create", "link"]);

    const twice = await bench.run("pod", "run", "-f", file);
    assert.deepEqual([twice.code, twice.stdout], [1, ""]);
    assert.match(twice.stderr, /^Pod default\/hello exists: remove it first/);

    const rm = await bench.run("pod", "rm", "hello");
    assert.deepEqual(rm, { code: 0, stdout: "default/hello removed\n", stderr: "" });
    assert.match((await bench.run("pod", "rm", "hello")).stderr, /^Pod default\/hello does not exist/);
  }));

Deno.test("a stand-alone pod is in no CRI list", () =>
  withNode(async (bench) => {
    await bench.run("pod", "run", "-f", await bench.manifest("hidden", "exec sleep 1000"));
    assert.equal((await inspect(bench, "hidden")).phase, "Running");
    const left = await leftOn(bench.node);
    assert.deepEqual(left.filter((each) => !each.startsWith("VM directory")), []);
    await bench.run("pod", "rm", "hidden");
  }));

Deno.test("a pod lives on under a node process that is killed: same process, no log line lost or doubled", () =>
  withNode(async (bench) => {
    const script = 'i=0; while true; do i=$((i+1)); echo "Line $i"; sleep 0.05; done';
    await bench.run("pod", "run", "-f", await bench.manifest("steady", script));
    await followUntil(bench, "steady", "Line 5");
    const before = await inspect(bench, "steady");
    await bench.process.end("SIGKILL");
    bench.process = await NodeProcess.start(bench.node);
    await followUntil(bench, "steady", "Line 40");
    const after = await inspect(bench, "steady");
    for (const field of ["id", "pid", "startedAt", "restarts"] as const) {
      assert.equal(after.containers[0]![field], before.containers[0]![field], field);
    }
    const { stdout: log } = await bench.run("pod", "logs", "steady");
    const lines = log.trimEnd().split("\n");
    assert.deepEqual(lines, lines.map((_, index) => `Line ${index + 1}`));
    await bench.run("pod", "rm", "steady");
  }));

Deno.test("a container that ends is restarted, its last log is kept, and then it is held back", () =>
  withNode(async (bench) => {
    const file = await bench.manifest(
      "crashing",
      'echo "run $(date +%s%N)"; printf "no such table" > "$INFRANETES_TERMINATION_LOG"; exit 3',
    );
    await bench.run("pod", "run", "-f", file);
    // The first restart is at once; the second is 10 s later, so that the pod stays like this for a while.
    await followUntilEnd(bench, "crashing");
    await untilReason(bench, "crashing", "CrashLoopBackOff");
    const { containers: [container] } = await inspect(bench, "crashing");
    assert.deepEqual([container!.restarts, container!.exitCode, container!.reason], [1, 3, "Error"]);
    assert.equal(container!.message, "no such table");
    const last = await bench.run("pod", "logs", "crashing");
    const previous = await bench.run("pod", "logs", "crashing", "--previous");
    assert.match(last.stdout, /^run \d+\n$/);
    assert.match(previous.stdout, /^run \d+\n$/);
    assert.notEqual(last.stdout, previous.stdout);
    await bench.run("pod", "rm", "crashing");
  }));

/** `logs -f` ends with the container. */
async function followUntilEnd(bench: PodBench, name: string): Promise<void> {
  const { code, stderr } = await bench.run("pod", "logs", name, "-f");
  assert.equal(code, 0, stderr);
}

/** The log's folder changes with each run, so that there is something to wait for. */
async function untilReason(bench: PodBench, name: string, reason: string): Promise<void> {
  using watcher = Deno.watchFs(join(bench.node.stateDir), { recursive: true });
  const events = watcher[Symbol.asyncIterator]();
  while ((await inspect(bench, name)).reason !== reason) await events.next();
}

Deno.test("pod run refuses a manifest that it cannot run, with every place in the file, and makes nothing", () =>
  withNode(async (bench) => {
    const file = join(bench.node.work, "bad.yaml");
    await Deno.writeTextFile(
      file,
      `apiVersion: v1
kind: Pod
metadata: { name: bad }
spec:
  hostNetwork: true
  containers:
    - name: main
      image: ${IMAGE}
      comand: [true]
      livenessProbe: {}
`,
    );
    const { code, stdout, stderr } = await bench.run("pod", "run", "-f", file);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.deepEqual(
      stderr.trimEnd().split("\n").map((line) => line.replace(`${file}:`, "")).sort(),
      [
        "10:7: spec.containers[0].livenessProbe: Not supported for stand-alone pods yet",
        "5:3: spec.hostNetwork: Not supported for stand-alone pods yet",
        '9:7: spec.containers[0].comand: Unknown key: did you mean "command"?',
      ].sort(),
    );
  }));

Deno.test("pod run leaves nothing of a pod whose program does not exist, and says which", () =>
  withNode(async (bench) => {
    const containers = [{ name: "main", image: IMAGE, command: ["/no/such/program"] }];
    const { code, stderr } = await bench.run(
      "pod",
      "run",
      "-f",
      await bench.manifest("none", "", { containers }),
    );
    assert.equal(code, 1);
    assert.match(stderr, /\/no\/such\/program/);
  }));

Deno.test("pod run refuses an image that the node does not have, and says which it has", () =>
  withNode(async (bench) => {
    const containers = [{ name: "main", image: "docker.io/library/nginx" }];
    const { code, stderr } = await bench.run(
      "pod",
      "run",
      "-f",
      await bench.manifest("nginx", "", { containers }),
    );
    assert.equal(code, 1);
    assert.match(stderr, /nginx/);
    assert.match(stderr, /infranetes\.io\/exec:latest/);
  }));

Deno.test("pod commands say so when there is no node process", async () => {
  const { code, stdout, stderr } = await client(
    { clientSocket: "/nowhere/client.sock" } as TestNode,
    "pod",
    "ls",
  );
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(
    stderr,
    /^No node process: there is no socket at \/nowhere\/client\.sock: start it with `infranetes serve`/,
  );
});

Deno.test("pod exec ends the command when its client is gone", () =>
  withNode(async (bench) => {
    await bench.run("pod", "run", "-f", await bench.manifest("busy", "exec sleep 1000"));
    const child = command(["pod", "exec", "busy", "--", "sh", "-c", "echo begun; exec sleep 2000"], {
      INFRANETES_CLIENT_SOCKET: bench.node.clientSocket,
    }).spawn();
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "begun\n");
    child.kill("SIGINT");
    await child.stderr.cancel();
    await reader.cancel();
    assert.equal((await child.status).code, 130);
    await untilNoProcess(bench.node, "sleep 2000");
    await bench.run("pod", "rm", "busy");
  }));

/** There is no event for the end of somebody else's process: another exec asks the shell in the pod to wait for it. */
async function untilNoProcess(node: TestNode, commandLine: string): Promise<void> {
  const script =
    `for p in /proc/[0-9]*; do if [ "$(tr '\\0' ' ' < $p/cmdline 2>/dev/null)" = "${commandLine} " ]; then ` +
    `tail --pid=\${p#/proc/} -f /dev/null; fi; done`;
  const { code, stderr } = await client(
    node,
    "pod",
    "exec",
    "busy",
    "--",
    "timeout",
    "10",
    "sh",
    "-c",
    script,
  );
  assert.equal(code, 0, stderr);
}

Deno.test("no value of a variable comes into the node's log, whatever happens to the pod", () =>
  withNode(async (bench) => {
    const secret = "hunter2-4711";
    const container = { name: "main", image: IMAGE, env: [{ name: "PASSWORD", value: secret }] };
    const good = {
      containers: [{
        ...container,
        command: ["sh", "-c", 'test "$PASSWORD" = hunter2-4711; exec sleep 1000'],
      }],
    };
    assert.equal((await bench.run("pod", "run", "-f", await bench.manifest("good", "", good))).code, 0);
    const bad = { containers: [{ ...container, command: ["/no/such/program", secret] }] };
    assert.equal((await bench.run("pod", "run", "-f", await bench.manifest("bad", "", bad))).code, 1);
    await bench.run("pod", "rm", "good");
    await bench.process.end("SIGTERM");
    const log = await bench.process.log();
    assert(log.includes("DEBUG"), "the log is not at debug");
    assert(!log.includes(secret), log);
    bench.process = await NodeProcess.start(bench.node);
  }, { log: { level: "debug" } }));
