// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { dirname, join } from "node:path";
import { V8_FLAGS } from "../../lib/v8_flags.ts";

/** What of the node's environment a VM gets: where programs and Deno's cache are, and nothing that may be secret. */
const PASSED_ON = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"] as const;
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The agent that belongs to this node: `vmserver` beside the executable, or that of the source tree. */
export function defaultAgentCommand(): readonly string[] {
  if (Deno.build.standalone) return [join(dirname(Deno.execPath()), "vmserver")];
  // Not `new URL(…, import.meta.url)`: the bundler takes that for a worker and embeds the whole agent.
  const main = join(import.meta.dirname!, "..", "..", "agent", "main.ts");
  return [Deno.execPath(), "run", "--quiet", "--allow-all", `--v8-flags=${V8_FLAGS.vmserver}`, main];
}

/** Arguments of the agent in a VM whose directory this is. */
export function agentArguments(directory: string): readonly string[] {
  return ["run", "--user-data", join(directory, "user-data.json"), "--state", join(directory, "agent")];
}

/** The environment of a VM's processes. */
export function guestEnvironment(directory: string): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {
    PATH: DEFAULT_PATH,
    HOME: join(directory, "agent"),
    NO_COLOR: "1",
  };
  for (const name of PASSED_ON) {
    const value = Deno.env.get(name);
    if (value) environment[name] = value;
  }
  const cache = denoCache();
  if (cache) environment.DENO_DIR = cache;
  return environment;
}

/** Where Deno keeps modules, which it finds by HOME otherwise. */
function denoCache(): string | undefined {
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? (home ? join(home, ".cache") : undefined);
  return Deno.env.get("DENO_DIR") ?? (cache ? join(cache, "deno") : undefined);
}
