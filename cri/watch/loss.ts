// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { deadline } from "../../lib/deadline.ts";
import { NotFoundError } from "../../lib/errors.ts";
import type { Node } from "../node.ts";
import { callProvider, providerNamed } from "../provider_call.ts";
import { endSandbox } from "../sandbox_end.ts";
import type { SandboxEntry } from "../state/sandbox_entry.ts";
import type { VmFacts } from "../state/facts.ts";

const logger = getLogger(["infranetes", "loss"]);
/** An agent redials within half a second: a VM that is not back by then is asked about. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Waits until the VM of a running sandbox is linked again, or declares it lost: as soon as its provider confirms that it
 * is gone, or when nothing was heard for `timeouts.lostAfter`. An error of the provider confirms nothing.
 */
export function awaitReturn(node: Node, sandboxId: string): Promise<void> {
  return node.returns.run(sandboxId, () => waitOrLose(node, sandboxId));
}

async function waitOrLose(node: Node, sandboxId: string): Promise<void> {
  const sandbox = node.model.sandbox(sandboxId);
  if (!sandbox) return;
  sandbox.heardAt ??= node.clock.now();
  const { lostAfter } = node.config.timeouts;
  for (let wait = FIRST_WAIT_MS; runs(sandbox); wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const left = sandbox.heardAt + lostAfter - node.clock.now();
    if (left <= 0) {
      return await declareLost(node, sandboxId, `Nothing was heard of its VM for ${lostAfter / 1000} s`);
    }
    if (await isBack(node, sandbox.facts.vmId, Math.min(wait, left))) return;
    if (!runs(sandbox)) return;
    const why = await whyGone(node, sandbox.vm!);
    if (why !== null && node.agents.get(sandbox.facts.vmId) === undefined) {
      return await declareLost(node, sandboxId, why);
    }
  }
}

/**
 * Ends a sandbox whose VM is gone. The VM is deleted, and its provider confirms it, before anybody is told: a pod that
 * is started again elsewhere must be the only one. Goes on until that has happened.
 */
export function declareLost(node: Node, sandboxId: string, reason: string): Promise<void> {
  return node.losses.run(sandboxId, async () => {
    const sandbox = node.model.sandbox(sandboxId);
    if (!sandbox || !runs(sandbox)) return;
    logger.error("Sandbox {sandboxId} is lost and its VM is fenced: {reason}", { sandboxId, reason });
    // The reason is a fact first: a process that is restarted here goes on fencing.
    node.store.sandboxes.update(sandboxId, { lostReason: reason }, "sandbox loss intent");
    await node.deletions.delete(sandbox.facts.vmId);
    await endSandbox(node, sandboxId, { lostReason: reason, reason: "VmLost", message: reason });
  });
}

/** Whether it is expected to run. One that is being stopped deletes its VM by itself. */
function runs({ state }: SandboxEntry): boolean {
  return state.kind === "ready";
}

async function isBack(node: Node, vmId: string, withinMs: number): Promise<boolean> {
  using limit = deadline(withinMs, {
    clock: node.clock,
    parents: [node.signal],
    what: `Waiting for VM ${vmId}`,
  });
  try {
    await node.agents.waitFor(vmId, limit.signal);
    return true;
  } catch {
    node.signal.throwIfAborted();
    return false;
  }
}

/** Why its provider says that the VM is gone; null if it does not say so. */
async function whyGone(node: Node, vm: VmFacts): Promise<string | null> {
  if (vm.instanceId === null) return null;
  const instanceId = vm.instanceId;
  try {
    const provider = providerNamed(node, vm.provider);
    const { state } = await callProvider(
      node,
      `Provider '${vm.provider}'`,
      node.signal,
      (signal) => provider.describe(instanceId, signal),
    );
    return state === "stopped" ? `Its VM has stopped (instance '${instanceId}')` : null;
  } catch (error) {
    if (error instanceof NotFoundError) return `Its VM is gone (instance '${instanceId}')`;
    node.signal.throwIfAborted();
    logger.warn("Provider could not be asked about VM {vmId}", { vmId: vm.vmId, error });
    return null;
  }
}
