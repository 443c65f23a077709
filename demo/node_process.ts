// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import type { DemoPlaces } from "./node_config.ts";

const MAIN = join(import.meta.dirname!, "..", "cri", "main.ts");
const START_MS = 10_000;

/** What a command of `infranetes` has done. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The node process of the demo, and the client that talks to it. Both are `cri/main.ts`, run by this same Deno. */
export class DemoNode implements AsyncDisposable {
  readonly #places: DemoPlaces;
  readonly #signal: AbortSignal;
  readonly #environment: Record<string, string>;
  #child: Deno.ChildProcess | undefined;
  #logs: Promise<void>[] = [];

  constructor(places: DemoPlaces, signal: AbortSignal) {
    this.#places = places;
    this.#signal = signal;
    this.#environment = { INFRANETES_CLIENT_SOCKET: places.clientSocket };
  }

  get logFile(): string {
    return join(this.#places.folder, "node.log");
  }

  /** Starts the node process and returns when it serves. */
  async start(): Promise<void> {
    this.#signal.throwIfAborted();
    // The folder rather than the socket: that is not there yet.
    using watcher = Deno.watchFs(this.#places.folder, { recursive: false });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, "serve", "--config", this.#places.config],
      // Ctrl-C is the demo's own: it ends the node after the pod.
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const log = await Deno.open(this.logFile, { append: true, create: true });
    this.#logs.push(child.stderr.pipeTo(log.writable));
    const gone = child.status.then(({ code }) => {
      throw new Error(`The node process ended with code ${code}`);
    });
    gone.catch(() => {});
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(START_MS)]);
    await Promise.race([untilServing(watcher, () => this.#serves()), gone, rejection(limit)]);
  }

  /** Ends the node process as a crash would. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended();
  }

  /** Ends the node process in order. */
  async stop(): Promise<void> {
    try {
      this.#child?.kill("SIGTERM");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#ended();
  }

  /** Runs `infranetes` with these words. */
  async infranetes(...words: string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, ...words],
      env: this.#environment,
      stdin: "null",
      detached: true,
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Starts `infranetes` with these words, its output to be read. */
  spawn(...words: string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, ...words],
      env: this.#environment,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      detached: true,
    }).spawn();
  }

  /** {@linkcode infranetes}, which must end well. Answers its standard output. */
  async must(...words: string[]): Promise<string> {
    this.#signal.throwIfAborted();
    const { code, stdout, stderr } = await this.infranetes(...words);
    if (code === 0) return stdout;
    throw new Error(`infranetes ${words.join(" ")} ended with code ${code}: ${(stderr || stdout).trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Promise.all(this.#logs);
  }

  async #ended(): Promise<void> {
    await this.#child?.status;
    this.#child = undefined;
  }

  async #serves(): Promise<boolean> {
    try {
      (await Deno.connect({ transport: "unix", path: this.#places.clientSocket })).close();
      return true;
    } catch {
      return false;
    }
  }
}

async function untilServing(watcher: Deno.FsWatcher, serves: () => Promise<boolean>): Promise<void> {
  if (await serves()) return;
  for await (const _ of watcher) if (await serves()) return;
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
