// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Builds the executables into `dist/out`: `deno task compile [<program>-<system> …]`, all of them by default.
 *
 * @module
 */

import { compile } from "./compile.ts";
import { PROGRAMS } from "./programs.ts";

interface Build {
  readonly file: string;
  readonly entry: string;
  readonly v8Flags: string;
  readonly triple: string;
}

const BUILDS: readonly Build[] = PROGRAMS.flatMap(({ name, entry, v8Flags, targets }) =>
  targets.map(({ suffix, triple }) => ({ file: `${name}-${suffix}`, entry, v8Flags, triple }))
);

function chosen(names: readonly string[]): readonly Build[] {
  const unknown = names.filter((name) => !BUILDS.some((build) => build.file === name));
  if (unknown.length > 0) {
    const known = BUILDS.map((build) => build.file).join(", ");
    throw new RangeError(`Cannot build ${unknown.join(", ")}: there are ${known}`);
  }
  return names.length > 0 ? BUILDS.filter((build) => names.includes(build.file)) : BUILDS;
}

async function build(names: readonly string[], out: string): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  for (const { file, entry, v8Flags, triple } of chosen(names)) {
    const embedded = await compile(entry, `${out}/${file}`, { triple, v8Flags });
    const { size } = await Deno.stat(`${out}/${file}`);
    print(`${file.padEnd(26)} ${megabytes(size)} MB, of which ${megabytes(embedded)} MB are ours\n`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2).padStart(7);
}

function print(text: string, to: { writeSync(bytes: Uint8Array): number } = Deno.stdout): void {
  to.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) {
  try {
    await build(Deno.args, `${import.meta.dirname}/out`);
  } catch (error) {
    print(`${(error as Error).message}\n`, Deno.stderr);
    Deno.exit(1);
  }
}
