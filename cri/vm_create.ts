// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { untilAborted } from "../lib/deadline.ts";
import { FailedPreconditionError } from "../lib/errors.ts";
import type { Vm } from "../providers/provider.ts";
import type { Node } from "./node.ts";
import { callProvider, providerNamed } from "./provider_call.ts";
import { chooseSize } from "./sizing.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";
import type { VmFacts } from "./state/facts.ts";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;

/**
 * Makes the sandbox's VM, or finds the one that an earlier call with the same token made, and records which it is. Also
 * sees to its link where the provider supplies it.
 */
export async function createVm(node: Node, sandboxId: string, signal: AbortSignal): Promise<void> {
  const sandbox = node.model.sandbox(sandboxId)!;
  const provider = providerNamed(node, sandbox.vm!.provider);
  if (sandbox.vm!.instanceId === null) {
    // A provider that does not heed the signal must not hold up the undo: what it still makes is found by its tags.
    const making = provider.create(specOf(node, sandbox, sandbox.vm!), signal);
    const { instanceId, addresses } = await untilAborted(making, signal);
    node.store.vms.update(sandbox.facts.vmId, { instanceId, addresses }, "VM created");
  }
  node.localLinks.keep(sandbox.facts.vmId, provider, sandbox.vm!.instanceId!);
}

function specOf(node: Node, { id, facts, config }: SandboxEntry, vm: VmFacts) {
  const profile = node.config.profiles[facts.profile];
  if (!profile) {
    throw new FailedPreconditionError(
      `Profile '${facts.profile}' of the pod is no longer in the configuration`,
    );
  }
  const { cpus, memoryBytes } = chooseSize(facts.profile, profile, config);
  const { vmId, createToken: token, createIntentAt: createdAt } = vm;
  return {
    vmId,
    token,
    tags: { cluster: node.config.cluster, node: node.config.node, vmId, sandboxId: id, createdAt },
    cpus,
    memoryBytes,
    image: profile.image,
    userData: node.userData(vm),
    cgroupParent: config.linux?.cgroupParent ?? "",
  };
}

/**
 * The VM's addresses, of which the first is the pod's IP. Some providers know them only once the VM runs.
 * The signal bounds the waiting.
 */
export async function readAddresses(
  node: Node,
  sandboxId: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { vmId, provider: name, instanceId, addresses } = node.model.sandbox(sandboxId)!.vm!;
  if (addresses.length > 0) return addresses;
  const provider = providerNamed(node, name);
  for (let delay = FIRST_DELAY_MS;; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
    const vm: Vm = await callProvider(
      node,
      `Provider '${name}'`,
      signal,
      (limit) => provider.describe(instanceId!, limit),
    );
    if (vm.addresses.length > 0) {
      node.store.vms.update(vmId, { addresses: vm.addresses }, "VM has addresses");
      return vm.addresses;
    }
    await node.clock.sleep(delay, signal);
  }
}
