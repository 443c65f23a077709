// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError, UnsupportedError } from "../../../lib/errors.ts";
import { spawnCommand } from "../../monitor/command.ts";
import type { Os } from "../../os/os.ts";
import type { ExecProcess, ExecSpec } from "../engine.ts";

/** @see ChildExec */
export interface ChildExecOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly os: Os;
}

/**
 * A process beside a container's own: a child of the agent with a session and process group of its own, and with the
 * container's environment and working directory.
 */
export class ChildExec implements ExecProcess {
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exitCode: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #os: Os;
  #ended = false;

  /** @throws {FailedPreconditionError} if the process cannot be made; {@linkcode UnsupportedError} for a terminal */
  constructor(spec: ExecSpec, { environment, workingDirectory, os }: ChildExecOptions) {
    if (spec.tty) throw new UnsupportedError("Engine exec does not support a terminal (tty) for exec");
    this.#os = os;
    try {
      const command = { argv: spec.command, environment, workingDirectory };
      this.#child = spawnCommand(command, spec.stdin ? "piped" : "null");
    } catch (error) {
      throw new FailedPreconditionError((error as Error).message, { cause: error });
    }
    this.stdin = spec.stdin ? this.#child.stdin : undefined;
    this.stdout = this.#child.stdout;
    this.stderr = this.#child.stderr;
    this.exitCode = this.#child.status.then(({ code }) => {
      this.#ended = true;
      // What it left in the background holds the outputs open, and the call would not end.
      os.killGroup(this.#child.pid);
      return code;
    });
  }

  resize(): void {
    // Without a terminal there is nothing to resize.
  }

  kill(): void {
    if (!this.#ended) this.#os.killGroup(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return await this.#close();
    await this.#os.killAll({ leader: this.#child.pid });
    await this.exitCode;
    await this.#close();
  }

  /** Frees outputs that nobody read to their end. */
  async #close(): Promise<void> {
    const streams = [this.stdout, this.stderr].filter((stream) => !stream.locked);
    await Promise.allSettled([
      ...streams.map((stream) => stream.cancel()),
      this.stdin?.locked ? undefined : this.stdin?.abort(),
    ]);
  }
}
