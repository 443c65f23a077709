// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { join } from "node:path";
import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { GrpcClient } from "../../protocol/grpc/mod.ts";
import { RpcError } from "../../protocol/status.ts";
import { nodeConfig, processesOf, type TestNode } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";

const IMAGE = { image: "infranetes.io/exec:latest" };

/** A container that runs, and a command in it that says when it runs and then waits for the test. */
class Waiting {
  readonly #node: TestNode;
  readonly #client: GrpcClient;

  constructor(node: TestNode, client: GrpcClient) {
    this.#node = node;
    this.#client = client;
  }

  async container(): Promise<string> {
    const runtime = this.#client.service(RuntimeService);
    const metadata = { name: "p", namespace: "n", uid: "u", attempt: 0 };
    const config = { metadata, logDirectory: join(this.#node.work, "logs") };
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const container = { metadata: { name: "c" }, image: IMAGE, command: ["sleep", "1000"], logPath: "c.log" };
    const { containerId } = await runtime.createContainer({
      podSandboxId,
      config: container,
      sandboxConfig: config,
    });
    await runtime.startContainer({ containerId });
    return containerId;
  }

  /** ExecSync of a command that ends when {@linkcode release} is called. Resolves when it has begun. */
  async exec(containerId: string) {
    await this.#shell("mkfifo begun go");
    const script = `cd ${this.#node.work}; echo x > begun; read line < go; echo "got $line"`;
    const answer = this.#client.service(RuntimeService).execSync({
      containerId,
      cmd: ["sh", "-c", script],
      timeout: 60n,
    });
    answer.catch(() => {});
    await this.#shell("cat begun");
    return { answer };
  }

  release(): Promise<void> {
    return this.#shell("echo word > go");
  }

  /** Named pipes are for other processes: opening one would block this one's event loop. */
  async #shell(script: string): Promise<void> {
    const { success } = await new Deno.Command("sh", { args: ["-c", script], cwd: this.#node.work }).output();
    assert(success, script);
  }
}

async function withExec(
  use: (
    process: NodeProcess,
    waiting: Waiting,
    exec: Promise<{ stdout: Uint8Array }>,
    node: TestNode,
  ) => Promise<void>,
) {
  const work = await Deno.makeTempDir({ prefix: "infranetes-end-" });
  const node = await nodeConfig(work);
  await using process = await NodeProcess.start(node);
  try {
    using client = new GrpcClient(`unix:${node.socket}`);
    const waiting = new Waiting(node, client);
    const { answer } = await waiting.exec(await waiting.container());
    await use(process, waiting, answer, node);
  } finally {
    await process.end("SIGKILL");
    for (let found; (found = await processesOf(node)).length > 0;) {
      for (const each of found) kill(parseInt(each));
    }
    await Deno.remove(work, { recursive: true });
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Resolves when the process takes no more calls: the socket is the first to go. */
async function untilSocketGone(node: TestNode): Promise<void> {
  using watcher = Deno.watchFs(node.work, { recursive: false });
  const gone = () => Deno.lstat(node.socket).then(() => false, () => true);
  if (await gone()) return;
  for await (const _ of watcher) if (await gone()) return;
}

Deno.test("SIGTERM lets a call in flight finish, takes no more, and leaves the pod alone", () =>
  withExec(async (process, waiting, exec, node) => {
    const containers = (await processesOf(node)).filter((each) => each.includes("sleep 1000"));
    Deno.kill(process.pid, "SIGTERM");
    await untilSocketGone(node);
    await assert.rejects(Deno.connect({ transport: "unix", path: node.socket }), Deno.errors.NotFound);
    await waiting.release();
    assert.equal(new TextDecoder().decode((await exec).stdout), "got word\n");
    assert.equal((await process.status).code, 0);
    assert.deepEqual((await processesOf(node)).filter((each) => each.includes("sleep 1000")), containers);
  }));

Deno.test("a second SIGTERM ends the process at once, whatever is in flight", () =>
  withExec(async (process, _waiting, exec, node) => {
    Deno.kill(process.pid, "SIGTERM");
    await untilSocketGone(node);
    Deno.kill(process.pid, "SIGTERM");
    assert.equal((await process.status).code, 130);
    await assert.rejects(exec, RpcError);
  }));
