// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { AlreadyExistsError, InvalidArgumentError, NotFoundError } from "../../lib/errors.ts";
import { Tasks } from "../../lib/tasks.ts";
import { PodFiles } from "./pod_files.ts";
import { Pods } from "./pods.ts";
import { FakeNode } from "./testing/fake_node.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { until } from "./until.ts";

const NEVER = new AbortController().signal;

function manifest(name: string, spec: Record<string, unknown> = {}, containers = ["main"]) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      containers: containers.map((each) => ({ name: each, image: "exec", command: ["serve"] })),
      ...spec,
    },
  };
}

/** Stand-alone pods over a {@linkcode FakeNode}; `restart` is the end of one process and the start of the next. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly directory: string;
  node!: FakeNode;
  pods!: Pods;
  #tasks!: Tasks;
  #process!: AbortController;
  #uids = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<Bench> {
    const bench = new Bench(await Deno.makeTempDir({ prefix: "infranetes-pods-" }));
    await bench.#begin();
    return bench;
  }

  get files(): PodFiles {
    return new PodFiles({ stateDir: this.directory, logs: { directory: "" } });
  }

  /** Runs a pod and waits until it runs. */
  async run(given: unknown, removeOnFailure = true) {
    return await (await this.pods.accept(given, { removeOnFailure, signal: NEVER })).running;
  }

  /** Resolves when the calls made so far are these. */
  called(...calls: string[]): Promise<void> {
    return this.until(() => calls.every((call) => this.node.calls.includes(call)));
  }

  async until(condition: () => boolean): Promise<void> {
    await until(this.node.model, condition, AbortSignal.timeout(5000));
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.#begin();
  }

  /** Folders of pods and of logs. */
  async folders(): Promise<string[]> {
    const names = await Promise.all(["pods", "logs"].map(async (part) => {
      const entries = await Array.fromAsync(Deno.readDir(`${this.directory}/${part}`)).catch(() => []);
      return entries.map(({ name }) => `${part}/${name}`);
    }));
    return names.flat();
  }

  settled(): Promise<void> {
    return this.#tasks.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #begin(): Promise<void> {
    this.node = new FakeNode(this.directory, this.clock);
    this.#process = new AbortController();
    this.#tasks = new Tasks((name, error) => {
      if (!this.#process.signal.aborted) throw new Error(`${name} failed`, { cause: error });
    });
    this.pods = new Pods({
      clock: this.clock,
      model: this.node.model,
      calls: this.node,
      files: this.files,
      tasks: this.#tasks,
      newUid: () => `uid-${++this.#uids}`,
      signal: this.#process.signal,
    });
    await this.pods.resume();
  }

  async #end(): Promise<void> {
    this.#process.abort(new Error("The process ends"));
    this.pods[Symbol.dispose]();
    await this.#tasks.settled();
    this.node[Symbol.dispose]();
  }
}

Deno.test("Pods run a pod: sandbox, containers, and what a person sees of it", async () => {
  await using bench = await Bench.open();
  const view = await bench.run(manifest("hello", {}, ["a", "b"]));
  // The containers start side by side.
  assert.deepEqual(bench.node.calls.filter((call) => !/\bb\b/.test(call)), [
    "run",
    "create a 0",
    "start a-0",
  ]);
  assert.deepEqual(bench.node.calls.filter((call) => /\bb\b/.test(call)), ["create b 0", "start b-0"]);
  assert.equal(view.phase, "Running");
  assert.deepEqual(view.containers.map(({ name, state, pid }) => [name, state, pid]), [["a", "running", 7], [
    "b",
    "running",
    7,
  ]]);
  assert.deepEqual(bench.pods.list().map(({ name }) => name), ["hello"]);
  assert.deepEqual(bench.pods.list("other"), []);
  assert.deepEqual(await bench.folders(), ["pods/default_hello_uid-1", "logs/default_hello_uid-1"]);
});

Deno.test("Pods restart a container as a kubelet does: at once, after 10 s, after 20 s", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  bench.node.end("main-0", 1);
  await bench.called("start main-1");
  bench.node.end("main-1", 1);
  const first = await bench.clock.nextSleep();
  assert.equal(first.ms, 10_000);
  assert.equal(bench.pods.get("default", "hello").reason, "CrashLoopBackOff");
  first.wake();
  await bench.called("start main-2");
  assert.equal(bench.pods.get("default", "hello").containers[0]!.restarts, 2);
  bench.node.end("main-2", 1);
  assert.equal((await bench.clock.nextSleep()).ms, 20_000);
});

Deno.test("Pods keep the run before the last one and delete those before it, with their files", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  const pod = { namespace: "default", name: "hello", uid: "uid-1" };
  for (const attempt of [0, 1, 2]) await Deno.writeTextFile(bench.files.logFile(pod, "main", attempt), "log");
  bench.node.end("main-0", 1);
  await bench.called("start main-1");
  assert.equal(bench.pods.run("default", "hello", undefined, true).entry.id, "main-0");
  bench.node.end("main-1", 1);
  (await bench.clock.nextSleep()).wake();
  await bench.called("remove main-0", "start main-2");
  assert.equal(bench.pods.run("default", "hello", undefined, true).entry.id, "main-1");
  const logs = await Array.fromAsync(
    Deno.readDir(`${bench.files.logDirectory(pod)}/main`),
    ({ name }) => name,
  );
  assert.deepEqual(logs.sort(), ["1.log", "2.log"]);
});

Deno.test("Pods let a container that may not be restarted be", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("once", { restartPolicy: "Never" }));
  await bench.run(manifest("enough", { restartPolicy: "OnFailure" }, ["fine"]));
  bench.node.end("main-0", 3);
  bench.node.end("fine-0", 0);
  await bench.until(() => bench.pods.list().every(({ phase }) => phase !== "Running"));
  assert.deepEqual(bench.pods.list().map(({ name, phase }) => [name, phase]), [["once", "Failed"], [
    "enough",
    "Succeeded",
  ]]);
  await bench.settled();
  assert.equal(bench.node.calls.filter((call) => call.startsWith("create")).length, 2);
});

Deno.test("Pods remove a pod: containers with their grace, VM, rows and files", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello", { terminationGracePeriodSeconds: 7 }));
  bench.node.calls.length = 0;
  await bench.pods.remove("default", "hello");
  assert.deepEqual(bench.node.calls, ["stop main-0 7", "stop sandbox s1", "remove sandbox s1"]);
  assert.deepEqual(bench.pods.list(), []);
  assert.deepEqual(await bench.folders(), []);
  await assert.rejects(bench.pods.remove("default", "hello"), NotFoundError);
});

Deno.test("Pods remove a pod once when two ask at the same time", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  await Promise.all([bench.pods.remove("default", "hello"), bench.pods.remove("default", "hello")]);
  assert.equal(bench.node.calls.filter((call) => call === "remove sandbox s1").length, 1);
});

Deno.test("Pods take up in a new process what the last one had: nothing is made twice", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  await bench.restart();
  assert.equal(bench.pods.get("default", "hello").containers[0]!.state, "running");
  bench.node.end("main-0", 1);
  await bench.called("start main-1");
  assert.deepEqual(bench.node.calls, ["create main 1", "start main-1"]);
});

Deno.test("Pods go on with the delay of a restart in a new process", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  bench.node.end("main-0", 1);
  await bench.called("start main-1");
  bench.node.end("main-1", 1);
  (await bench.clock.nextSleep()).wake();
  await bench.called("start main-2");
  bench.node.end("main-2", 1);
  assert.equal((await bench.clock.nextSleep()).ms, 20_000);
  bench.clock.advance(5000);
  await bench.restart();
  assert.equal((await bench.clock.nextSleep()).ms, 15_000);
});

Deno.test("Pods go on removing in a new process a pod that was being removed", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("hello"));
  bench.node.stopSandbox = () => new Promise(() => {});
  void bench.pods.remove("default", "hello");
  await bench.called("stop main-0 30");
  await bench.restart();
  await bench.called("remove sandbox s1");
  await bench.settled();
  assert.deepEqual(bench.pods.list(), []);
  assert.deepEqual(await bench.folders(), []);
});

Deno.test("Pods delete at their start the files of a pod that never came to be", async () => {
  await using bench = await Bench.open();
  await bench.files.create({ namespace: "default", name: "ghost", uid: "u" }, ["main"]);
  await bench.restart();
  assert.deepEqual(await bench.folders(), []);
});

Deno.test("Pods refuse a name that is taken, also while the first is being made", async () => {
  await using bench = await Bench.open();
  const options = { removeOnFailure: true, signal: NEVER };
  const first = await bench.pods.accept(manifest("hello"), options);
  await assert.rejects(bench.pods.accept(manifest("hello"), options), AlreadyExistsError);
  await first.running;
  await assert.rejects(bench.pods.accept(manifest("hello"), options), AlreadyExistsError);
  await bench.pods.accept(manifest("hello", {}, ["side"]), { ...options, namespace: "other" }).then((
    { running },
  ) => running);
  await bench.pods.remove("default", "hello");
  await bench.run(manifest("hello"));
});

const FAILURES:
  readonly (readonly [what: string, given: unknown, prepare: (node: FakeNode) => void, error: RegExp])[] = [
    ["a VM cannot be had", manifest("x"), (node) => node.runError = new Error("No capacity"), /No capacity/],
    [
      "a container is refused",
      manifest("x"),
      (node) => node.createError = new InvalidArgumentError("Bad user"),
      /Bad user/,
    ],
    ["a program does not exist", manifest("x"), (node) => node.onStart = "start error", /No such program/],
  ];

for (const [what, given, prepare, error] of FAILURES) {
  Deno.test(`Pods leave nothing of a pod that does not start because ${what}`, async () => {
    await using bench = await Bench.open();
    prepare(bench.node);
    await assert.rejects(bench.run(given), error);
    assert.deepEqual(bench.pods.list(), []);
    await bench.settled();
    assert.deepEqual(await bench.folders(), []);
  });
}

Deno.test("Pods refuse an image that does not exist before anything is made", async () => {
  await using bench = await Bench.open();
  const given = manifest("x", { containers: [{ name: "main", image: "nothing" }] });
  await assert.rejects(bench.pods.accept(given, { removeOnFailure: true, signal: NEVER }), NotFoundError);
  assert.deepEqual(bench.node.calls, []);
  assert.deepEqual(await bench.folders(), []);
});

Deno.test("Pods that nobody waits for stay and are tried again, and say why they do not run", async () => {
  await using bench = await Bench.open();
  bench.node.createError = new InvalidArgumentError("Bad user");
  await assert.rejects(bench.run(manifest("hello"), false), /Bad user/);
  const { phase, reason, containers } = bench.pods.get("default", "hello");
  assert.deepEqual([phase, reason, containers[0]!.message], ["Pending", "CreateContainerError", "Bad user"]);
  const sleep = await bench.clock.nextSleep();
  assert.equal(sleep.ms, 10_000);
  bench.node.createError = undefined;
  sleep.wake();
  await bench.called("start main-0");
  assert.equal(bench.pods.get("default", "hello").phase, "Running");
});

Deno.test("Pods name the containers to choose from", async () => {
  await using bench = await Bench.open();
  await bench.run(manifest("two", {}, ["a", "b"]));
  assert.throws(() => bench.pods.run("default", "two", undefined), /several containers: name one of a, b/);
  assert.throws(() => bench.pods.run("default", "two", "c"), /no container "c": there are a, b/);
  assert.throws(() => bench.pods.run("default", "two", "a", true), /no run before this one/);
});
