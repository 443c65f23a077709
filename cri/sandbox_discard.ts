// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { untilAborted } from "../lib/deadline.ts";
import type { Node } from "./node.ts";

/**
 * Takes back a sandbox that never was ready: its VM, then its rows. What there is to take back is told by the facts, so
 * that a start that failed, one that was superseded and one that a crash left behind all go this way. The work goes on
 * when the signal aborts; only the waiting ends.
 */
export async function discardSandbox(node: Node, id: string, signal: AbortSignal): Promise<void> {
  await untilAborted(beginDiscard(node, id), signal);
}

function beginDiscard(node: Node, id: string): Promise<void> {
  const current = node.discards.get(id);
  if (current) return current;
  const flight = node.discards.run(id, async () => {
    const sandbox = node.model.sandbox(id);
    if (!sandbox) return;
    if (sandbox.facts.removeIntentAt === null) {
      node.store.sandboxes.update(id, { removeIntentAt: node.clock.now() }, "sandbox undo intent");
    }
    await node.deletions.delete(sandbox.facts.vmId);
    eraseSandbox(node, id, "sandbox undone");
  });
  node.tasks.start(`undo of sandbox ${id}`, () => flight);
  return flight;
}

/** Deletes all rows of a sandbox whose VM is gone, as one fact. */
export function eraseSandbox(node: Node, id: string, fact: string): void {
  const sandbox = node.model.sandbox(id);
  if (!sandbox) return;
  node.store.transaction(fact, () => {
    for (const container of [...node.model.containersOf(id)]) {
      node.store.containers.delete(container.id, fact);
    }
    node.store.vms.delete(sandbox.facts.vmId, fact);
    node.store.sandboxes.delete(id, fact);
  });
}
