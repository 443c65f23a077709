// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { toBinary } from "@bufbuild/protobuf";
import { ContainerStateSchema } from "../protocol/gen/agent_pb.ts";
import type { Node } from "./node.ts";
import { endedState } from "./watch/fold.ts";

export interface SandboxEnd {
  /** Why the VM was lost; null if it was stopped by a call. */
  readonly lostReason: string | null;
  /** CRI's reason for containers of which the end was not told. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Records that a sandbox's VM is gone, and with it all its containers, as one fact. The VM must be confirmed gone: from
 * here on the kubelet may start the pod again elsewhere.
 */
export async function endSandbox(node: Node, sandboxId: string, end: SandboxEnd): Promise<void> {
  // An exit whose log is being drained has more to tell than that the VM is gone.
  await node.folds.settled(sandboxId);
  const sandbox = node.model.sandbox(sandboxId);
  if (!sandbox || sandbox.facts.stoppedAt !== null) return;
  const atNs = node.clock.nowNs();
  const running = [...node.model.containersOf(sandboxId)].filter((entry) => entry.state.kind !== "exited");
  const ended = running.map((entry) => ({ entry, state: endedState(entry, { ...end, atNs }) }));
  node.store.transaction(end.lostReason === null ? "sandbox stopped" : "sandbox lost", () => {
    for (const { entry, state } of ended) {
      const lastState = toBinary(ContainerStateSchema, state);
      node.store.containers.update(entry.id, { lastState }, "container ended");
    }
    // A stop that was asked for while the VM was being fenced does not change that it was lost.
    const facts = { stoppedAt: node.clock.now(), lostReason: end.lostReason ?? sandbox.facts.lostReason };
    node.store.sandboxes.update(sandboxId, facts, "sandbox ended");
  });
  for (const { entry, state } of ended) node.model.setAgentState(entry, state);
}
