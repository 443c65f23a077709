// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { embeddedBytes } from "./embedded_bytes.ts";

export interface CompileOptions {
  /** Deno's name of the target. @default this machine's */
  readonly triple?: string;
  /**
   * The runtime that the program is put behind, a file. By default Deno downloads its own for the target; with any other
   * executable the result does not run, but all else is done and the payload is that of the real one.
   */
  readonly runtime?: string;
  /** Flags of V8 that the program always runs with, separated by commas. @default none */
  readonly v8Flags?: string;
  readonly signal?: AbortSignal;
}

/**
 * Compiles the program whose entry is the file `entry` into the executable `output`. The program becomes one minified
 * file first: else whole packages are embedded.
 *
 * It may do everything that its user may (`-A`): both programs start processes and open whatever they are configured to.
 *
 * @returns The bytes that were embedded, as deno tells them, i.e. to three digits or so.
 * @throws {Error} With deno's own words if it fails.
 */
export async function compile(entry: string, output: string, options: CompileOptions = {}): Promise<number> {
  const { triple, runtime, v8Flags, signal } = options;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...["-A", "--no-check", "--bundle", "--minify"],
      ...(v8Flags ? [`--v8-flags=${v8Flags}`] : []),
      ...(triple ? ["--target", triple] : []),
      ...["--output", output, entry],
    ],
    cwd: `${import.meta.dirname}/..`,
    env: { NO_COLOR: "1", ...(runtime && { DENORT_BIN: runtime }) },
    stdout: "null",
    stderr: "piped",
    ...(signal && { signal }),
  }).output();
  const text = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`Cannot compile ${entry} for ${triple ?? "this machine"}: ${text}`);
  return embeddedBytes(text);
}
