// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { UnavailableError } from "../../lib/errors.ts";
import { isAlive, parseIdentity } from "./identity.ts";
import type { ProcessIdentity } from "./identity.ts";
import { MARK } from "./process_table.ts";

export interface InitOptions {
  readonly vmId: string;
  /** The VM's directory, in which `init.sh` stands. */
  readonly directory: string;
  /** The agent. */
  readonly command: readonly string[];
  /** The whole environment of all processes of the VM, but for the mark. Nothing of the node's own is added. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts a VM's supervisor unless it was started before, dead or alive. It leads a session of its own, holds nothing of
 * this process, and has written down who it is when this resolves.
 */
export async function startInit({ vmId, directory, command, environment }: InitOptions): Promise<void> {
  const child = new Deno.Command("/bin/sh", {
    args: ["init.sh", ...command],
    cwd: directory,
    clearEnv: true,
    env: { ...environment, [MARK]: vmId },
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const answer = (await new Response(child.stdout).text()).trim();
  // Only now: it would keep the reading from being waited for, too.
  child.unref();
  if (answer === "ready" || answer === "exists") return;
  throw new UnavailableError(`Cannot start VM ${vmId}: ${answer || "its supervisor ended without a word"}`);
}

/** Who the supervisor of the VM in this directory is or was. Undefined if there never was one. */
export function readInit(directory: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(Deno.readTextFileSync(join(directory, "init")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Process id of the living supervisor. */
export function livingInit(directory: string): number | undefined {
  const identity = readInit(directory);
  return identity && isAlive(identity) ? identity.pid : undefined;
}
