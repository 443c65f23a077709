// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The node process is killed right after each fact that a pod's whole life records, one run a fact. A caller that does
 * what a kubelet does, try again with the same request, must end with exactly the pods that it asked for.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import {
  endProcessesOf,
  leftOn,
  nodeConfig,
  processesOf,
  type TestNode,
  vmDirectories,
} from "../node_config.ts";
import { EndedAtStartError, NodeProcess } from "../node_process.ts";

/** More facts than a pod's life could ever record: the loop must have ended before. */
const MOST_FACTS = 80;

type Runtime = ReturnType<typeof runtimeOf>;

function runtimeOf(client: GrpcClient) {
  return client.service(RuntimeService);
}

/** A node process that is killed once, after its n-th fact, and started again by whoever finds it dead. */
class MortalNode implements AsyncDisposable {
  readonly #node: TestNode;
  #process: NodeProcess;
  crashed: boolean;

  private constructor(node: TestNode, process: NodeProcess, crashed: boolean) {
    this.#node = node;
    this.#process = process;
    this.crashed = crashed;
  }

  /** The first facts are recorded before the node answers: then its start is what dies. */
  static async start(node: TestNode, crashAfter: number): Promise<MortalNode> {
    try {
      const env = { INFRANETES_CRASH_AFTER_FACT: String(crashAfter) };
      return new MortalNode(node, await NodeProcess.start(node, env), false);
    } catch (error) {
      if (!(error instanceof EndedAtStartError) || error.status.signal !== "SIGKILL") throw error;
      return new MortalNode(node, await NodeProcess.start(node), true);
    }
  }

  /** The call, tried again on a new process if the process died under it. */
  async call<T>(body: (runtime: Runtime) => Promise<T>): Promise<T> {
    for (;;) {
      using client = new GrpcClient(`unix:${this.#node.socket}`);
      try {
        return await body(runtimeOf(client));
      } catch (error) {
        if (this.crashed || !isConnectionLoss(error)) throw error;
        const { signal } = await this.#process.status;
        assert.equal(signal, "SIGKILL", `the node process ended by itself:\n${await this.#process.log()}`);
        this.crashed = true;
        this.#process = await NodeProcess.start(this.#node);
      }
    }
  }

  /** SIGTERM, which must end it with code 0. Answers false if it had died on its own facts before. */
  async shutDown(): Promise<void> {
    const status = await this.#process.end("SIGTERM");
    if (status.signal === "SIGKILL" && !this.crashed) this.crashed = true;
    else assert.equal(status.code, 0);
  }

  async endedLog(): Promise<string> {
    await this.#process.end("SIGTERM");
    return await this.#process.log();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

function isConnectionLoss(error: unknown): boolean {
  return error instanceof RpcError && (error.code === Code.UNAVAILABLE || error.code === Code.CANCELLED);
}

function sandboxConfig(node: TestNode) {
  return {
    metadata: { name: "crash", namespace: "default", uid: "c0ffee", attempt: 0 },
    hostname: "crash",
    logDirectory: join(node.work, "logs"),
    linux: { securityContext: { namespaceOptions: { pid: 1 } } },
  };
}

function containerConfig(starts: string) {
  return {
    metadata: { name: "main", attempt: 0 },
    image: { image: "infranetes.io/exec" },
    command: ["/bin/sh", "-c", 'echo started >>"$STARTS"; echo hello; exec sleep 1000'],
    envs: [{ key: "STARTS", value: new TextEncoder().encode(starts) }],
    logPath: "main.log",
  };
}

/** A pod from its start to its removal. Answers whether the node process died in it. */
async function podLife(node: TestNode, crashAfter: number): Promise<boolean> {
  await using mortal = await MortalNode.start(node, crashAfter);
  try {
    await runPod(mortal, node);
  } catch (error) {
    throw new Error(`The pod's life went wrong; the node process's log is\n${await mortal.endedLog()}`, {
      cause: error,
    });
  }
  return mortal.crashed;
}

async function runPod(mortal: MortalNode, node: TestNode): Promise<void> {
  const starts = join(node.work, "starts");
  const config = sandboxConfig(node);
  await Deno.mkdir(config.logDirectory);
  const { podSandboxId } = await mortal.call((cri) => cri.runPodSandbox({ config }));
  const container = { podSandboxId, config: containerConfig(starts), sandboxConfig: config };
  const { containerId } = await mortal.call((cri) => cri.createContainer(container));
  await mortal.call((cri) => startUnlessRunning(cri, containerId));
  await assertRunning(mortal, node, podSandboxId, containerId);
  await untilLogged(join(config.logDirectory, "main.log"));
  assert.equal(await Deno.readTextFile(starts), "started\n");
  await mortal.call((cri) => cri.stopContainer({ containerId, timeout: 1n }));
  await mortal.call((cri) => cri.stopPodSandbox({ podSandboxId }));
  await mortal.call((cri) => cri.removeContainer({ containerId }));
  await mortal.call((cri) => cri.removePodSandbox({ podSandboxId }));
  await mortal.call(() => leftOn(node)).then((left) => assert.deepEqual(left, []));
  await mortal.shutDown();
  assert.deepEqual(await processesOf(node), []);
  assert.match(await Deno.readTextFile(join(config.logDirectory, "main.log")), /^\S+ stdout F hello\n$/);
}

/** Resolves when the container's first line is in its log: the shell has then written what stands before it. */
async function untilLogged(path: string): Promise<void> {
  using watcher = Deno.watchFs(dirname(path));
  const events = watcher[Symbol.asyncIterator]();
  while (!(await Deno.readTextFile(path)).includes("hello")) await events.next();
}

/** A kubelet that does not know whether its StartContainer was done asks for the status first. */
async function startUnlessRunning(cri: Runtime, containerId: string): Promise<void> {
  const { status } = await cri.containerStatus({ containerId });
  if (status?.startedAt === 0n) await cri.startContainer({ containerId });
}

async function assertRunning(mortal: MortalNode, node: TestNode, podSandboxId: string, containerId: string) {
  await mortal.call(async (cri) => {
    const { items } = await cri.listPodSandbox({});
    assert.deepEqual(items.map((item) => [item.id, item.state]), [[podSandboxId, 0]]);
    const { containers } = await cri.listContainers({});
    assert.deepEqual(containers.map((item) => [item.id, item.state]), [[containerId, 1]]);
  });
  const vms = await vmDirectories(node);
  assert.equal(vms.length, 1, `one VM was asked for, there are ${vms.join(", ")}`);
}

Deno.test("kill -9 of the node process after each recorded fact leaves exactly the pods that were asked for", async (t) => {
  let facts = 0;
  for (let crashAfter = 1; crashAfter <= MOST_FACTS; crashAfter++) {
    let crashed = false;
    const passed = await t.step(`killed after fact ${crashAfter}`, async () => {
      const work = await Deno.makeTempDir({ prefix: "inf-crash-" });
      try {
        crashed = await podLife(await nodeConfig(work), crashAfter);
      } finally {
        await endProcessesOf(work);
        await Deno.remove(work, { recursive: true });
      }
    });
    // The first run that outlives its pod has seen every fact.
    if (!passed || !crashed) break;
    facts = crashAfter;
  }
  assert.ok(facts >= 12 && facts < MOST_FACTS, `a pod's life recorded ${facts} facts`);
});
