// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import { GrpcClient } from "../protocol/grpc/mod.ts";
import { RuntimeService } from "../protocol/gen/cri_pb.ts";
import type { TestNode } from "./node_config.ts";

const MAIN = join(import.meta.dirname!, "..", "cri", "main.ts");

/** `infranetes serve` as a process of its own. */
export class NodeProcess implements AsyncDisposable {
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.status = child.status;
    this.#log = new Response(child.stderr).text();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Returns when Version is answered. */
  static async start(node: TestNode, env: Record<string, string> = {}): Promise<NodeProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, "serve", "--config", node.file],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const process = new NodeProcess(child);
    try {
      await answers(node, process.status);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw new Error(`The node process does not answer; its log is\n${await process.#log}`, {
        cause: error,
      });
    }
    return process;
  }

  /** Everything that it logged; resolves when it has ended. */
  log(): Promise<string> {
    return this.#log;
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<Deno.CommandStatus> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // Ended already.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    const status = await this.status;
    await this.#log;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

/** Waits for the socket's file by watching its folder, then for an answer. */
async function answers(node: TestNode, ended: Promise<Deno.CommandStatus>): Promise<void> {
  const gone = ended.then(({ code }) => {
    throw new Error(`The node process ended with code ${code}`);
  });
  gone.catch(() => {});
  using watcher = Deno.watchFs(node.work, { recursive: false });
  const events = watcher[Symbol.asyncIterator]();
  const timeout = AbortSignal.timeout(30_000);
  const expired = new Promise<never>((_, reject) =>
    timeout.addEventListener("abort", () => reject(timeout.reason), { once: true })
  );
  for (;;) {
    using client = new GrpcClient(`unix:${node.socket}`);
    try {
      await client.service(RuntimeService).version({}, { timeoutMs: 2_000 });
      return;
    } catch {
      // Not yet: the next change in the folder is the socket's making.
      await Promise.race([events.next(), gone, expired]);
    }
  }
}
