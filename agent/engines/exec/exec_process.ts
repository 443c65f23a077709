// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { FailedPreconditionError, UnsupportedError } from "../../../lib/errors.ts";
import { spawnCommand } from "../../monitor/command.ts";
import type { Os } from "../../os/os.ts";
import type { ExecProcess, ExecSpec } from "../engine.ts";

const logger = getLogger(["vmserver", "exec"]);

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
  #killing: Promise<void> | undefined;

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
    if (!this.#ended) this.#killing ??= this.#killSession();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#killing;
    await this.exitCode;
    await this.#close();
  }

  /** Its children may have made process groups of their own, as shells do. */
  async #killSession(): Promise<void> {
    try {
      await this.#os.killAll({ leader: this.#child.pid });
    } catch (error) {
      logger.warn("Command {pid} was killed and is still there: {error}", { pid: this.#child.pid, error });
    }
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
