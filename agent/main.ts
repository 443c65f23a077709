// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The agent's program, `vmserver`. Each command loads only what it needs: a monitor is as small as can be, and the way
 * from the start of the VM to its call home is short.
 * @module
 */
import { type Command, HELP, parseCommandLine } from "./command_line.ts";

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

async function main(args: readonly string[]): Promise<number> {
  let command: Command;
  try {
    command = parseCommandLine(args);
  } catch (error) {
    print(Deno.stderr, `vmserver: ${(error as Error).message}\n`);
    return EXIT_USAGE;
  }
  switch (command.name) {
    case "run":
      return await (await import("./serve.ts")).serve(command);
    case "monitor":
      return await (await import("./monitor/main.ts")).monitorMain(command.directory);
    case "version":
      print(Deno.stdout, `${(await import("../lib/version.ts")).VERSION}\n`);
      return 0;
    case "help":
      print(Deno.stdout, HELP);
      return 0;
  }
}

function print(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  to.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
