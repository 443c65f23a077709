// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { discardContainer } from "./container_discard.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";

/**
 * Goes on with what the last process had begun: creations that were cut are taken back (the kubelet asks anew), removals
 * finished, logs followed from where their files end. Call it once when the process begins.
 */
export function recoverContainers(node: Node): void {
  for (const entry of [...node.model.containers()]) {
    const { kind } = entry.sandbox.state;
    // Of all others the sandbox's own recovery takes care: their VM goes, or is gone.
    if (kind === "ready" || kind === "stopping") recover(node, entry);
  }
}

function recover(node: Node, entry: ContainerEntry): void {
  const { id, sandboxId, name, attempt, createdOnAgentAt, removeIntentAt } = entry.facts;
  if (createdOnAgentAt === null) return finish(node, id, JSON.stringify([sandboxId, name, attempt]));
  if (removeIntentAt !== null) return finish(node, id, id);
  node.containers.logs.resume(entry);
}

/** Waits for the VM to call. Whoever asks for the same container meanwhile waits for this. */
function finish(node: Node, id: string, key: string): void {
  node.tasks.start(`removal of container ${id}`, async () => {
    using _lock = await node.containers.locks.acquire(key, node.signal);
    await discardContainer(node, id, node.signal);
  });
}
