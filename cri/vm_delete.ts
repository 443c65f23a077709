// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { NotFoundError } from "../lib/errors.ts";
import { SingleFlight } from "../lib/single_flight.ts";
import type { PodProvider } from "../providers/provider.ts";
import type { Node } from "./node.ts";
import { callProvider, providerNamed } from "./provider_call.ts";
import type { VmFacts } from "./state/facts.ts";

const logger = getLogger(["infranetes", "vm"]);
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 10_000;

/**
 * Deletes VMs and goes on until their provider confirms that they are gone, whoever asked and whether or not he still
 * waits. The intent is a fact, so that recovery goes on after a crash.
 */
export class VmDeletions {
  readonly #node: () => Node;
  readonly #flights = new SingleFlight<void>();
  readonly #lastErrors = new Map<string, string>();

  constructor(node: () => Node) {
    this.#node = node;
  }

  /**
   * Resolves when the VM is confirmed gone; joins a deletion under way. Rejects only when the node shuts down.
   * @throws {UnavailableError} if the intent cannot be recorded: nothing was done then
   */
  async delete(vmId: string): Promise<void> {
    const node = this.#node();
    const vm = node.model.vm(vmId);
    if (vm && vm.deletedAt === null) await this.#begin(node, vm);
  }

  /** What the provider answered last to a deletion that is not confirmed yet. */
  lastError(vmId: string): string | undefined {
    return this.#lastErrors.get(vmId);
  }

  #begin(node: Node, vm: VmFacts): Promise<void> {
    const current = this.#flights.get(vm.vmId);
    if (current) return current;
    // A disk that is full must be told to the caller before anything is done.
    if (vm.deleteIntentAt === null) {
      node.store.vms.update(vm.vmId, { deleteIntentAt: node.clock.now() }, "VM delete intent");
    }
    const flight = this.#flights.run(vm.vmId, () => this.#deleteUntilGone(node, vm.vmId));
    node.tasks.start(`deletion of VM ${vm.vmId}`, () => flight);
    return flight;
  }

  async #deleteUntilGone(node: Node, vmId: string): Promise<void> {
    node.localLinks.stop(vmId);
    node.agents.forget(vmId);
    try {
      for (let delay = FIRST_DELAY_MS;; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
        if (await this.#deleteOnce(node, vmId)) return;
        await node.clock.sleep(delay, node.signal);
      }
    } finally {
      this.#lastErrors.delete(vmId);
    }
  }

  /** Whether it is gone now. An error of the provider is never a confirmation. */
  async #deleteOnce(node: Node, vmId: string): Promise<boolean> {
    const vm = node.model.vm(vmId);
    if (!vm || vm.deletedAt !== null) return true;
    try {
      const provider = providerNamed(node, vm.provider);
      if (!(await isGone(node, provider, vm))) return false;
      node.store.vms.update(vmId, { deletedAt: node.clock.now(), joinToken: null }, "VM deleted");
      return true;
    } catch (error) {
      node.signal.throwIfAborted();
      const message = String(error);
      if (this.#lastErrors.get(vmId) !== message) {
        logger.warn("Deletion of VM {vmId} failed and is tried again", { vmId, error });
      }
      this.#lastErrors.set(vmId, message);
      return false;
    }
  }
}

async function isGone(node: Node, provider: PodProvider, vm: VmFacts): Promise<boolean> {
  const what = `Provider '${vm.provider}'`;
  const instances = vm.instanceId === null ? await instancesOf(node, provider, vm) : [vm.instanceId];
  for (const instanceId of instances) {
    await callProvider(node, what, node.signal, (signal) => provider.delete(instanceId, signal));
    try {
      await callProvider(node, what, node.signal, (signal) => provider.describe(instanceId, signal));
      return false;
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  return true;
}

/** A create call was intended, its answer is not known: the tags tell whether it made something. */
async function instancesOf(node: Node, provider: PodProvider, vm: VmFacts): Promise<string[]> {
  const vms = await callProvider(
    node,
    `Provider '${vm.provider}'`,
    node.signal,
    (signal) => provider.list(signal),
  );
  return vms.filter((each) => each.tags.vmId === vm.vmId).map((each) => each.instanceId);
}
