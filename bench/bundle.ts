// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..");

/**
 * Makes the one file that `deno compile --bundle --minify` puts into an executable, to be run by `deno run`: the same
 * code on the same engine, where the executable's own runtime cannot be had. That runtime is smaller than `deno`.
 *
 * @param entry Relative to the root of the repository
 * @param output Path of the file to write
 */
export async function bundle(entry: string, output: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--output", output, entry],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot bundle ${entry}: ${new TextDecoder().decode(stderr)}`);
}
