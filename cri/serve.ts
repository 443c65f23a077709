// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The node process: all its parts are made here, in the order in which they need each other, and given back in the
 * opposite one.
 * @module
 */
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { systemClock } from "../lib/clock.ts";
import { deadline, untilAborted } from "../lib/deadline.ts";
import { randomIds } from "../lib/ids.ts";
import { VERSION } from "../lib/version.ts";
import type { Environment } from "./config/overrides.ts";
import type { NodeConfig } from "./config/schema.ts";
import { clientApi } from "./http/app.ts";
import { imageService } from "./image_service.ts";
import { createNode, type Node } from "./node.ts";
import { PodExec } from "./pods/exec.ts";
import { PodLogs } from "./pods/logs.ts";
import { nodeCalls } from "./pods/node_calls.ts";
import { PodFiles } from "./pods/pod_files.ts";
import { Pods } from "./pods/pods.ts";
import { recover } from "./recovery.ts";
import { runtimeService } from "./runtime_service.ts";
import { AgentSide } from "./server/agents.ts";
import { serveClients } from "./server/client_server.ts";
import { crashPoint } from "./server/crash_point.ts";
import { serveCri } from "./server/cri_server.ts";
import { lockInstance } from "./server/lock.ts";
import { configureLogging } from "./server/logging.ts";
import { closeProviders, openProviders } from "./server/providers.ts";
import { openFactStore } from "./state/store.ts";

const logger = getLogger(["infranetes", "node"]);

export interface ServeOptions {
  /** Ends the process in order: no more calls, those in flight within their bound, pods live on. */
  readonly signal: AbortSignal;
  readonly environment: Environment;
}

/**
 * Runs the node process until the signal fires.
 *
 * @throws {AlreadyExistsError} if another process has the state directory or answers at a socket
 */
export async function serveNode(config: NodeConfig, { signal, environment }: ServeOptions): Promise<void> {
  const begun = performance.now();
  await using stack = new AsyncDisposableStack();
  stack.use(await configureLogging(config.log));
  const { node, agents } = await openNode(config, stack, environment);
  const linkPort = await agents.listen();
  await serveCalls(node, stack, signal);
  logger.info("Node process serves", {
    version: VERSION,
    socket: config.socket.path,
    clientSocket: config.client.socket.path,
    linkPort,
    pid: Deno.pid,
    ms: Math.round(performance.now() - begun),
  });
  recover(node);
  await aborted(signal);
  logger.info("Node process ends: pods live on", { callsWithinMs: config.timeouts.shutdown });
}

/** Everything that needs no call yet. What was opened is given back by the stack. */
async function openNode(
  config: NodeConfig,
  stack: AsyncDisposableStack,
  environment: Environment,
): Promise<{ readonly node: Node; readonly agents: AgentSide }> {
  // Sockets and files are nobody else's until they are given their permissions.
  Deno.umask(0o027);
  await Deno.mkdir(config.stateDir, { recursive: true, mode: 0o700 });
  stack.use(await lockInstance(config.stateDir));
  const afterFact = crashPoint(environment, config.unsafe);
  const store = stack.use(
    openFactStore(join(config.stateDir, "facts.sqlite"), afterFact ? { afterFact } : {}),
  );
  const providers = await openProviders(config, systemClock);
  stack.defer(() => closeProviders(providers));
  const agents = stack.use(
    await AgentSide.open({
      config,
      store,
      clock: systemClock,
      random: Math.random,
      interfaces: Deno.networkInterfaces,
    }),
  );
  const ending = new AbortController();
  const node = createNode({
    clock: systemClock,
    ids: randomIds,
    config,
    store,
    agents: agents.registry,
    providers,
    signal: ending.signal,
    userData: agents.userData,
  });
  stack.defer(() => settle(node, ending));
  return { node, agents };
}

/** Both sockets. They answer from the facts at once; what they say of VMs gets newer as their agents call. */
async function serveCalls(node: Node, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { config, clock } = node;
  const files = new PodFiles(config);
  const calls = nodeCalls(node);
  const newUid = () => crypto.randomUUID();
  const pods = stack.use(new Pods({ ...partsOf(node), calls, files, newUid }));
  await pods.resume();
  stack.use(
    await serveCri({
      socket: config.socket,
      clock,
      graceMs: config.timeouts.shutdown,
      runtime: runtimeService(node),
      image: imageService(node),
    }),
  );
  const exec = new PodExec(pods, (vmId, callSignal) => node.agents.waitFor(vmId, callSignal));
  const app = clientApi({ pods, logs: new PodLogs(node.model, pods, files), exec, ending: signal });
  stack.use(await serveClients(app, config.client.socket));
}

function partsOf({ clock, model, tasks, signal }: Node) {
  return { clock, model, tasks, signal };
}

/**
 * Ends what the node does in the background. Whatever is half done is in the facts, for the next process; so is what
 * does not end in time.
 */
async function settle(node: Node, ending: AbortController): Promise<void> {
  ending.abort(new DOMException("The node process is ending", "AbortError"));
  using limit = deadline(node.config.timeouts.shutdown, { clock: node.clock, what: "Background work" });
  try {
    await untilAborted(node.tasks.settled(), limit.signal);
  } catch (error) {
    logger.warn("Background work is left to the next process: {error}", { error, tasks: node.tasks.size });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
