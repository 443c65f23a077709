// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { fileURLToPath } from "node:url";

/** A process that does what `make_vm.ts` says, to be killed while it does. */
export function spawnNode(...args: readonly string[]): Deno.ChildProcess {
  const program = fileURLToPath(new URL("make_vm.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", "--config", config, program, ...args],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}
