// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { VERSION } from "../../lib/version.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./exit_code.ts";

/** `infranetes version` */
export function version({ args, terminal }: CommandContext): Promise<number> {
  const { os, arch } = Deno.build;
  const versions = { infranetes: VERSION, cri: "v1", deno: Deno.version.deno, platform: `${os}/${arch}` };
  if (args.text("output") === "json") terminal.print(JSON.stringify(versions, null, 2));
  else terminal.print(`infranetes ${VERSION} (CRI v1, Deno ${Deno.version.deno}, ${os}/${arch})`);
  return Promise.resolve(ExitCode.OK);
}
