// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { callAgent } from "./container_agent.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";

/**
 * Takes a container away: from its agent, if there is still a VM, then its row. The same for one that is removed and for
 * one that was never finished. An id without a row is no error.
 */
export async function discardContainer(node: Node, containerId: string, signal: AbortSignal): Promise<void> {
  const entry = node.model.container(containerId);
  if (!entry) return;
  if (entry.sandbox.facts.stoppedAt === null) await removeFromAgent(node, entry, signal);
  await node.containers.logs.stop(containerId);
  // Removing the sandbox has taken it along meanwhile.
  if (node.model.container(containerId)) node.store.containers.delete(containerId, "container removed");
}

async function removeFromAgent(
  node: Node,
  { id: containerId, sandbox }: ContainerEntry,
  signal: AbortSignal,
) {
  try {
    await callAgent(
      node,
      sandbox,
      signal,
      ({ containers }) => containers.remove({ containerId }, { signal }),
    );
  } catch (error) {
    // With its VM it is gone all the same.
    if (sandbox.facts.stoppedAt === null) throw error;
  }
}
