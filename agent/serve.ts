// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { systemClock } from "../lib/clock.ts";
import { VERSION } from "../lib/version.ts";
import type { RunCommand } from "./command_line.ts";
import type { Engine } from "./engines/engine.ts";
import { AgentConnection } from "./link/connection.ts";
import { readUserData } from "./link/user_data.ts";
import { configureLog } from "./log.ts";
import { loadOs } from "./os/mod.ts";
import type { Os } from "./os/os.ts";
import { Agent } from "./services/agent.ts";
import { agentRouter } from "./services/mod.ts";
import { AgentStore } from "./state/store.ts";

const logger = getLogger(["vmserver", "main"]);
const ENGINE = "exec";
const LINK_DIRECTORY = "link";
/** Between stop signal and SIGKILL when nobody is there to say how long. */
const ORPHAN_GRACE_MS = 10_000;
/** From the order to end to the end of the link. */
const END_BOUND_MS = 5_000;

/** Runs the agent until its VM's end is ordered or a signal ends it. Answers the exit code. */
export async function serve({ state, userData, powerOff, logLevel }: RunCommand): Promise<number> {
  await configureLog(logLevel);
  const over = new AbortController();
  let exitCode = 1;
  const end = (code: number) => {
    exitCode = code;
    over.abort();
  };
  try {
    const os = await loadOs();
    heedSignals(os, end);
    const told = await readUserData(userData);
    // Relative paths from here on: those of unix sockets must stay under 108 bytes.
    await Deno.mkdir(state, { recursive: true, mode: 0o700 });
    Deno.chdir(state);
    using store = new AgentStore(".");
    const connection = new AgentConnection({ userData: told, directory: LINK_DIRECTORY, clock: systemClock });
    const agent = await recoverAgent({ store, os, connection, end: () => end(0) }, over.signal);
    await Promise.race([run(agent, connection, over.signal), tooLate(over.signal)]);
    if (exitCode === 0 && powerOff) await os.powerOff();
    return exitCode;
  } catch (error) {
    logger.fatal("Agent ends: {error}", { error });
    return (error as { exitCode?: number }).exitCode ?? 1;
  }
}

/** Exit codes as a shell reports a process that the signal killed. */
function heedSignals(os: Os, end: (exitCode: number) => void): void {
  for (const signal of os.endSignals) {
    Deno.addSignalListener(signal, () => {
      logger.info("Agent ends on {signal}: its containers live on", { signal });
      end(128 + (os.signalNumber(signal) ?? 0));
    });
  }
}

/** Resolves some time after the signal: a peer that does not close its end does not keep this process. */
async function tooLate(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await systemClock.sleep(END_BOUND_MS);
  logger.warn("Link did not close within {bound} ms", { bound: END_BOUND_MS });
}

interface Parts {
  readonly store: AgentStore;
  readonly os: Os;
  readonly connection: AgentConnection;
  readonly end: () => void;
}

async function recoverAgent({ store, os, connection, end }: Parts, signal: AbortSignal): Promise<Agent> {
  const agent = new Agent({
    store,
    os,
    clock: systemClock,
    bootId: await os.bootId(),
    incarnation: crypto.randomUUID(),
    loadEngine: () => loadEngine(os),
    setNodes: (nodes) => connection.setNodes(nodes),
    end,
  });
  await agent.recover(signal);
  return agent;
}

async function loadEngine(os: Os): Promise<Engine> {
  const { ExecEngine } = await import("./engines/exec/engine.ts");
  return new ExecEngine({ os, clock: systemClock });
}

async function run(agent: Agent, connection: AgentConnection, signal: AbortSignal): Promise<void> {
  // Not performance.timeOrigin: loading Deno itself comes before that.
  const startedAt = systemClock.nowNs() - BigInt(Math.round(agent.os.age())) * 1_000_000n;
  await connection.run(signal, {
    router: agentRouter(agent),
    hello: () => ({
      agentVersion: VERSION,
      bootId: agent.bootId,
      os: agent.os.name,
      arch: Deno.build.arch,
      startedAt,
      sandboxId: agent.sandbox?.request.sandboxId ?? "",
      engine: ENGINE,
    }),
    onsession: (_session, { heartbeatMs }) => agent.heartbeatMs = heartbeatMs,
    onorphaned: () => void endOrphan(agent, signal),
    // What Configure needs: 12 ms that would be waited for later.
    onconnect: () => void import("../protocol/gen/cri_pb.ts").catch(() => {}), // Told by whoever needs it.
  });
}

/** The dead-man switch: nobody will ever ask for this VM again. */
async function endOrphan(agent: Agent, signal: AbortSignal): Promise<void> {
  logger.error("No node for longer than it allowed: this VM ends");
  try {
    await agent.shutDown(ORPHAN_GRACE_MS, signal);
  } catch (error) {
    logger.error("Containers did not end: {error}", { error });
  }
  agent.end();
}
