// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import { GrpcClient } from "../protocol/grpc/mod.ts";
import { V8_FLAGS } from "../lib/v8_flags.ts";
import { RuntimeService } from "../protocol/gen/cri_pb.ts";
import type { TestNode } from "./node_config.ts";

const MAIN = join(import.meta.dirname!, "..", "cri", "main.ts");

class EndedError extends Error {}

/** The node process ended before it answered. */
export class EndedAtStartError extends Error {
  readonly status: Deno.CommandStatus;

  constructor(message: string, status: Deno.CommandStatus, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** `infranetes serve` as a process of its own. */
export class NodeProcess implements AsyncDisposable {
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<string>;
  #text = "";
  #onlog: (() => void) | null = null;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.status = child.status;
    this.#log = this.#readLog(child.stderr);
  }

  async #readLog(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
    for await (const chunk of stderr.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#onlog?.();
    }
    return this.#text;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Returns when Version is answered.
   * @param main The program's first module: by default that of the source tree
   */
  static async start(node: TestNode, env: Record<string, string> = {}, main = MAIN): Promise<NodeProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        `--v8-flags=${V8_FLAGS.infranetes}`,
        main,
        "serve",
        "--config",
        node.file,
      ],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const process = new NodeProcess(child);
    try {
      await answers(node, process.status);
    } catch (error) {
      const status = await process.end("SIGKILL");
      const message = `The node process does not answer; its log is
${await process.#log}`;
      throw error instanceof EndedError
        ? new EndedAtStartError(message, status, { cause: error })
        : new Error(message, { cause: error });
    }
    return process;
  }

  /** What the pattern finds in the log, as soon as it is there. Rejects when the process has ended without it. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const found = pattern.exec(this.#text);
      if (found) resolve(found);
    };
    this.#onlog = look;
    this.#log.then((log) => (look(), reject(new Error(`${pattern} is not in the log:\n${log}`))));
    look();
    try {
      return await promise;
    } finally {
      this.#onlog = null;
    }
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
    throw new EndedError(`The node process ended with code ${code}`);
  });
  gone.catch(() => {});
  using watcher = Deno.watchFs(node.work, { recursive: false });
  const events = watcher[Symbol.asyncIterator]();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  using timeout = new DisposableStack();
  timeout.adopt(setTimeout(() => reject(new Error("It was given 30 s")), 30_000), clearTimeout);
  // The next change in the folder may be the socket's making.
  while (!await listens(node.socket)) await Promise.race([events.next(), gone, expired]);
  using client = new GrpcClient(`unix:${node.socket}`);
  await client.service(RuntimeService).version({}, { timeoutMs: 10_000 });
}

/** Asked without gRPC, whose client leaves a timer behind when there is nobody. */
async function listens(socket: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
