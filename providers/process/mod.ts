// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The agent as a detached process of this machine: for development and tests.
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { isAbsolute } from "node:path";
import { deadline } from "../../lib/deadline.ts";
import { FailedPreconditionError, InvalidArgumentError, UnsupportedError } from "../../lib/errors.ts";
import type { ProviderContext } from "../context.ts";
import { parseRange } from "./addresses.ts";
import { defaultAgentCommand } from "./agent_command.ts";
import type { ProcessConfig } from "./config.ts";
import { ProcessProvider } from "./provider.ts";
import { VmStore } from "./store.ts";

export { ProcessProvider } from "./provider.ts";

const logger = getLogger(["infranetes", "provider", "process"]);
/** For the start: longer than any other process holds the lock. */
const OPEN_TIMEOUT_MS = 10_000;

/**
 * @throws {FailedPreconditionError} without `unsafe: true`, or if the agent's program is missing
 * @throws {UnsupportedError} anywhere but on Linux
 */
export async function openProcessProvider(
  config: ProcessConfig,
  context: ProviderContext,
): Promise<ProcessProvider> {
  const { name, cluster, node, clock, unsafe, directory } = context;
  const what = `Cannot use provider '${name}' of kind 'process'`;
  if (!unsafe) {
    throw new FailedPreconditionError(
      `${what}: its pods are plain processes of this machine with no isolation at all, which is for development only. ` +
        "Set 'unsafe: true' in the configuration to allow it",
    );
  }
  if (Deno.build.os !== "linux") {
    throw new UnsupportedError(`${what}: it needs Linux, this is ${Deno.build.os}`);
  }
  const range = parseRange(config.addresses);
  if (!range) throw new InvalidArgumentError(`${what}: '${config.addresses}' is no range within 127.0.0.0/8`);
  const agentCommand = config.agentCommand ?? defaultAgentCommand();
  await checkAgent(what, agentCommand);
  using limit = deadline(OPEN_TIMEOUT_MS, { clock, what: `Opening provider '${name}'` });
  const store = await VmStore.open(config.directory ?? directory, range, limit.signal);
  const provider = new ProcessProvider({ name, cluster, node, clock, store, agentCommand });
  for (const vmId of await store.broken()) await provider.delete(vmId, limit.signal);
  logger.warn("Provider {name} runs pods as plain processes without any isolation", { name });
  return provider;
}

async function checkAgent(what: string, [program = ""]: readonly string[]): Promise<void> {
  if (!isAbsolute(program)) return;
  try {
    await Deno.stat(program);
  } catch (cause) {
    throw new FailedPreconditionError(
      `${what}: there is no agent at ${program}. Build it with 'deno task compile', or set 'agentCommand'`,
      { cause },
    );
  }
}
