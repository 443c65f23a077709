// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";

const BLOCK = new Uint8Array(4096);

/** A small file system of its own over a folder, which a test can fill to the last byte. Needs the right to mount. */
export class SmallDisk implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async mount(folder: string, bytes: number): Promise<SmallDisk> {
    await Deno.mkdir(folder, { recursive: true });
    await run("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=700`, "tmpfs", folder);
    return new SmallDisk(folder);
  }

  /** Until there is not room for one more byte, or for `leaving` bytes only. */
  async fill(leaving = 0): Promise<void> {
    using file = await Deno.open(this.#filler, { write: true, create: true });
    try {
      for (;;) await file.write(BLOCK);
    } catch (error) {
      if (!/os error 28/.test(String(error))) throw error;
    }
    if (leaving > 0) await file.truncate((await file.stat()).size - leaving);
  }

  /** Takes back what `fill` wrote. */
  async free(): Promise<void> {
    await Deno.remove(this.#filler);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", "--lazy", this.#folder);
  }

  get #filler(): string {
    return join(this.#folder, "filler");
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}
