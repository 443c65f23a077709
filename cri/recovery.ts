// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { recoverContainers } from "./container_recover.ts";
import { GarbageCollector } from "./garbage.ts";
import type { Node } from "./node.ts";
import { providerNamed } from "./provider_call.ts";
import { discardSandbox } from "./sandbox_discard.ts";
import { removeSandbox } from "./sandbox_remove.ts";
import { stopSandbox } from "./sandbox_stop.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";
import { declareLost } from "./watch/loss.ts";

const logger = getLogger(["infranetes", "recovery"]);

/**
 * Goes on where the last process was ended, at whatever point: starts are resumed, stops and removals finished, running
 * VMs adopted as their agents call, lost ones found out. Call it once the node listens. Returns at once; the work is the
 * node's.
 */
export function recover(node: Node): void {
  resumeStalled(node);
  recoverContainers(node);
  node.tasks.start("garbage collection", () => tend(node));
}

/** Looks after what would otherwise be left: at once, then every `garbage.interval`, until the node shuts down. */
async function tend(node: Node): Promise<void> {
  const collector = new GarbageCollector(node);
  for (;;) {
    await collector.pass();
    await node.clock.sleep(node.config.garbage.interval, node.signal);
    resumeStalled(node);
  }
}

/**
 * Takes up whatever the facts say is to be done and nobody does: after a restart everything, later what was given up
 * because a fact could not be recorded.
 */
export function resumeStalled(node: Node): void {
  for (const sandbox of [...node.model.sandboxes()]) {
    if (!isUnderWay(node, sandbox)) resume(node, sandbox);
  }
}

function isUnderWay(node: Node, { id, facts, state }: SandboxEntry): boolean {
  const { starts, watches, stops, removals, discards, losses, returns } = node;
  switch (state.kind) {
    case "starting":
    case "undoing":
      return starts.has(id) || discards.get(id) !== undefined;
    case "stopping":
      return stops.get(id) !== undefined;
    case "removing":
      return removals.get(id) !== undefined;
    case "ready":
      if (facts.lostReason !== null) return losses.get(id) !== undefined;
      return watches.has(facts.vmId) || returns.get(id) !== undefined;
    case "stopped":
    case "lost":
      return true;
  }
}

function resume(node: Node, { id, facts, state }: SandboxEntry): void {
  logger.debug("Sandbox {sandboxId} was {state}", { sandboxId: id, state: state.kind });
  switch (state.kind) {
    case "starting":
      // It has its own log line and undo; nobody waits for it until the kubelet asks again.
      return void node.starts.begin(id).catch(() => {});
    case "undoing":
      return node.tasks.start(`undo of sandbox ${id}`, () => discardSandbox(node, id, node.signal));
    case "removing":
      return node.tasks.start(`removal of sandbox ${id}`, () => removeSandbox(node, id, node.signal));
    case "stopping":
      adopt(node, facts.vmId);
      return node.tasks.start(`stop of sandbox ${id}`, () => stopSandbox(node, id, node.signal));
    case "ready":
      if (facts.lostReason !== null) {
        const reason = facts.lostReason;
        return node.tasks.start(`loss of sandbox ${id}`, () => declareLost(node, id, reason));
      }
      adopt(node, facts.vmId);
      return node.watches.ensure(id);
    case "stopped":
    case "lost":
      return;
  }
}

function adopt(node: Node, vmId: string): void {
  const vm = node.model.vm(vmId);
  if (!vm?.instanceId || vm.deleteIntentAt !== null || !node.providers.has(vm.provider)) return;
  node.localLinks.keep(vmId, providerNamed(node, vm.provider), vm.instanceId);
}
