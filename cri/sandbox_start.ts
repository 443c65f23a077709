// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { untilAborted } from "../lib/deadline.ts";
import { TimeoutError } from "../lib/errors.ts";
import { UndoStack } from "../lib/undo.ts";
import { Code, RpcError } from "../protocol/status.ts";
import type { AgentLink } from "./agent_link.ts";
import type { Node } from "./node.ts";
import { discardSandbox } from "./sandbox_discard.ts";
import { explainStartFailure } from "./start_failure.ts";
import type { StartProgress } from "./start_progress.ts";
import { createVm, readAddresses } from "./vm_create.ts";
import { VmRebootedError } from "./watch/vm_rebooted.ts";

const logger = getLogger(["infranetes", "sandbox"]);

/**
 * Makes a sandbox whose intent is recorded ready. Each step looks at the facts first and does what is left to do, so
 * that recovery resumes with the same function after a crash at any point. A failure takes everything back, on a
 * deadline of its own; the end of the process takes nothing back.
 *
 * @throws {RpcError} with the phase, the time spent and the VM's last words, in the code of what failed
 */
export async function startSandbox(
  node: Node,
  id: string,
  progress: StartProgress,
  signal: AbortSignal,
): Promise<void> {
  await using undo = new UndoStack({ clock: node.clock, timeoutMs: node.config.timeouts.undo });
  undo.push((limit) => takeBack(node, id, limit));
  try {
    await progress.during("create", () => createVm(node, id, signal));
    await linkUp(node, id, progress, signal);
    recordReady(node, id, progress);
    undo.commit();
  } catch (error) {
    if (node.signal.aborted) {
      undo.commit();
      throw error;
    }
    throw await explainStartFailure(node, id, progress, error);
  }
  node.watches.ensure(id);
}

/** Link, configuration and watch. A session that breaks in between is only a session: the next one is waited for. */
async function linkUp(node: Node, id: string, progress: StartProgress, signal: AbortSignal): Promise<void> {
  const { vmId } = node.model.sandbox(id)!.facts;
  for (;;) {
    const link = await progress.during("link", () => node.agents.waitFor(vmId, signal));
    const addresses = await progress.during("address", () => readAddresses(node, id, signal));
    try {
      await progress.during("configure", () => configure(node, id, { link, addresses, signal }));
      await progress.during("watch", () => node.watches.start(link, id));
      noteAgentStart(progress, link);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isBrokenSession(error)) throw error;
      progress.trouble = error;
      logger.warn("Session with VM {vmId} broke during the start and the next one is waited for", {
        vmId,
        error,
      });
      link.session.close("Broke during the start");
      await untilAborted(link.closed, signal);
    }
  }
}

/** Errors of the link. Those of the provider and of the fact file have other classes: another session would not help. */
function isBrokenSession(error: unknown): boolean {
  if (error instanceof VmRebootedError || error instanceof TimeoutError) return true;
  return error instanceof RpcError &&
    (error.code === Code.UNAVAILABLE || error.code === Code.DEADLINE_EXCEEDED);
}

interface Configuring {
  readonly link: AgentLink;
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

async function configure(node: Node, id: string, { link, addresses, signal }: Configuring): Promise<void> {
  const { config } = node.model.sandbox(id)!.facts;
  const { bootId } = await link.sandbox.configure(
    { sandboxId: id, config, addresses: [...addresses] },
    { signal, timeoutMs: node.config.timeouts.call },
  );
  const configuredAt = node.clock.now();
  node.store.sandboxes.update(id, { addresses, bootId, configuredAt }, "sandbox configured");
}

function recordReady(node: Node, id: string, progress: StartProgress): void {
  const readyAt = node.clock.now();
  node.store.sandboxes.update(id, { readyAt, phases: progress.phases }, "sandbox ready");
  logger.info("Sandbox {sandboxId} is ready", { sandboxId: id, phases: progress.phases });
}

/** What the agent's own start took, as it says itself: the rest of the link phase is the VM's and ours. */
function noteAgentStart(progress: StartProgress, { hello }: AgentLink): void {
  const milliseconds = Number(hello.dialledAt - hello.startedAt) / 1e6;
  if (milliseconds >= 0) progress.add("agent", Math.round(milliseconds * 10) / 10);
}

async function takeBack(node: Node, id: string, signal: AbortSignal): Promise<void> {
  try {
    await discardSandbox(node, id, signal);
  } catch (error) {
    // The caller hears why the start failed; what is left of it is still being taken back in the background.
    if (!node.signal.aborted) {
      logger.warn("Undo of sandbox {sandboxId} takes longer", { sandboxId: id, error });
    }
  }
}
