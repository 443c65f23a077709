// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { PodProvider, Vm } from "../providers/provider.ts";
import type { Node } from "./node.ts";
import { callProvider } from "./provider_call.ts";

const logger = getLogger(["infranetes", "garbage"]);

/**
 * Finds VMs of this node that no record knows: made by a create call whose answer was lost, a second time by a cloud
 * that did, or before the fact file was lost. The other way round, records whose VM is gone, need no search: a running
 * sandbox is either watched or waited for (`watch/loss.ts`).
 */
export class GarbageCollector {
  readonly #node: Node;
  /** By provider: what its last list had without a record. */
  readonly #suspects = new Map<string, ReadonlySet<string>>();

  constructor(node: Node) {
    this.#node = node;
  }

  /**
   * Asks all providers for their VMs and deletes those without a record that two lists in a row had and that are old
   * enough. An error of one provider is logged and keeps no other from being asked.
   */
  async pass(): Promise<void> {
    await Promise.all([...this.#node.providers].map(async ([name, provider]) => {
      try {
        await this.#collect(name, provider);
      } catch (error) {
        this.#node.signal.throwIfAborted();
        logger.warn("VMs of provider {provider} could not be listed", { provider: name, error });
      }
    }));
  }

  async #collect(name: string, provider: PodProvider): Promise<void> {
    const node = this.#node;
    const vms = await callProvider(
      node,
      `Provider '${name}'`,
      node.signal,
      (signal) => provider.list(signal),
    );
    const unknown = vms.filter((vm) => !isRecorded(node, vm));
    const before = this.#suspects.get(name);
    this.#suspects.set(name, new Set(unknown.map((vm) => vm.instanceId)));
    const oldEnough = node.clock.now() - node.config.garbage.minimumAge;
    const garbage = unknown.filter((vm) => before?.has(vm.instanceId) && vm.tags.createdAt <= oldEnough);
    for (const vm of garbage) await deleteUnrecorded(node, name, provider, vm);
  }
}

function isRecorded(node: Node, vm: Vm): boolean {
  const row = node.model.vm(vm.tags.vmId);
  if (!row || row.deletedAt !== null) return false;
  // While the answer of the create call is not recorded, whatever has the tag may be it.
  return row.instanceId === null || row.instanceId === vm.instanceId;
}

async function deleteUnrecorded(node: Node, name: string, provider: PodProvider, vm: Vm): Promise<void> {
  const { instanceId, tags } = vm;
  logger.warn("VM {instanceId} of provider {provider} has no record and is deleted", {
    instanceId,
    provider: name,
    vmId: tags.vmId,
    createdAt: new Date(tags.createdAt).toISOString(),
  });
  try {
    await callProvider(
      node,
      `Provider '${name}'`,
      node.signal,
      (signal) => provider.delete(instanceId, signal),
    );
  } catch (error) {
    node.signal.throwIfAborted();
    // It is still in the next list, and is deleted then.
    logger.warn("VM {instanceId} could not be deleted", { instanceId, provider: name, error });
  }
}
