// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";

/** A script of this folder as a process of its own. Killed when disposed, if it is still there. */
export class Child implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #alive = true;

  constructor(name: string, ...args: string[]) {
    this.#name = name;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${import.meta.dirname}/${name}.ts`, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    void this.#process.status.then(() => this.#alive = false);
  }

  /** The next thing that it writes, without the end of the line. */
  async said(): Promise<string> {
    const { value } = await this.#output.read();
    return (value ?? "").trim();
  }

  /** Closes its stdin: it has no other way to be told something. */
  async goOn(): Promise<void> {
    await this.#process.stdin.close();
  }

  /** Sends SIGTERM and waits for its end. Fails if it was gone before. */
  async stop(): Promise<void> {
    assert.ok(this.#alive, `The ${this.#name} has died`);
    this.#process.kill("SIGTERM");
    await this.ended();
  }

  /** Waits for its end, which must be with code 0: not by a signal, as after abort(3). */
  async ended(): Promise<void> {
    const { code, signal } = await this.#process.status;
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `The ${this.#name} has failed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#alive) this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#process.stdin.close().catch(() => {}); // It may be closed already.
    await this.#output.cancel();
  }
}
