// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { deadline, untilAborted } from "../lib/deadline.ts";
import { UnavailableError } from "../lib/errors.ts";
import {
  type StopPodSandboxRequest,
  type StopPodSandboxResponse,
  StopPodSandboxResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { AgentLink } from "./agent_link.ts";
import { answerEarly } from "./early_answer.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import { endSandbox } from "./sandbox_end.ts";
import { findSandbox } from "./sandbox_find.ts";
import { cancelStart } from "./sandbox_run.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";
import { foldState } from "./watch/fold.ts";

const logger = getLogger(["infranetes", "sandbox"]);
/** Between a container's stop signal and SIGKILL. The kubelet has stopped them before, with the pod's own grace time. */
const GRACE_MS = 2_000;
/** For all containers together, their logs included. The VM is deleted afterwards whatever came of it. */
const CONTAINERS_MS = 20_000;
/** How long a stop waits for a VM that is not linked at the moment. */
const LINK_MS = 3_000;

/** Stops a sandbox: its containers, then its VM. Idempotent; an unknown id is no error. */
export async function stopPodSandbox(
  node: Node,
  { podSandboxId }: StopPodSandboxRequest,
  ctx: RpcContext,
): Promise<StopPodSandboxResponse> {
  const sandbox = findSandbox(node, podSandboxId);
  if (sandbox) {
    const work = stopSandbox(node, sandbox.id, ctx.signal);
    await answerEarly(node.clock, ctx, work, () => notYet(node, sandbox, "stopped"));
  }
  return create(StopPodSandboxResponseSchema);
}

/** Why a stop or a removal takes so long, for the pod's event. */
export function notYet(node: Node, { id, vm }: SandboxEntry, what: "stopped" | "removed"): string {
  const said = vm && node.deletions.lastError(vm.vmId);
  const why = said === undefined ? "its VM is not confirmed gone" : `its provider says: ${said}`;
  return `Sandbox ${id} is not ${what} yet, ${why}: it goes on, the next call joins it`;
}

/**
 * Resolves when the sandbox's VM is confirmed gone and that is recorded. The work goes on when the signal aborts; a
 * second call joins it.
 */
export async function stopSandbox(node: Node, id: string, signal: AbortSignal): Promise<void> {
  const state = node.model.sandbox(id)?.state;
  switch (state?.kind) {
    case undefined:
    case "stopped":
    case "lost":
      return;
    case "starting":
    case "undoing":
      return await cancelStart(
        node,
        id,
        new UnavailableError(`Sandbox ${id} was stopped during its start`),
        signal,
      );
    case "ready":
    case "stopping":
    case "removing":
      return await untilAborted(beginStop(node, id), signal);
  }
}

function beginStop(node: Node, id: string): Promise<void> {
  const current = node.stops.get(id);
  if (current) return current;
  const flight = node.stops.run(id, () => stopRunning(node, id));
  node.tasks.start(`stop of sandbox ${id}`, () => flight);
  return flight;
}

async function stopRunning(node: Node, id: string): Promise<void> {
  const { facts } = node.model.sandbox(id)!;
  if (facts.stoppedAt !== null) return;
  if (facts.stopIntentAt === null) {
    node.store.sandboxes.update(id, { stopIntentAt: node.clock.now() }, "sandbox stop intent");
  }
  await stopContainers(node, id);
  await node.deletions.delete(facts.vmId);
  const message = "Its sandbox was stopped before it had told how it ended";
  await endSandbox(node, id, { lostReason: null, reason: "SandboxStopped", message });
}

/** Ends all containers, so that their exit codes and logs are known. What cannot be ended in time dies with the VM. */
async function stopContainers(node: Node, id: string): Promise<void> {
  const alive = [...node.model.containersOf(id)].filter((entry) => entry.state.kind !== "exited");
  if (alive.length === 0) return;
  const { vmId } = node.model.sandbox(id)!.facts;
  const options = { clock: node.clock, parents: [node.signal] };
  using limit = deadline(CONTAINERS_MS, { ...options, what: `Stopping the containers of sandbox ${id}` });
  using linkLimit = deadline(LINK_MS, {
    ...options,
    parents: [limit.signal],
    what: `Waiting for VM ${vmId}`,
  });
  try {
    const link = await node.agents.waitFor(vmId, linkLimit.signal);
    await Promise.all(alive.map((entry) => stopContainer(node, link, entry.id, limit.signal)));
  } catch (error) {
    node.signal.throwIfAborted();
    logger.warn("Containers of sandbox {sandboxId} end with their VM", { sandboxId: id, error });
  }
}

async function stopContainer(
  node: Node,
  link: AgentLink,
  containerId: string,
  signal: AbortSignal,
): Promise<void> {
  const { state } = await link.containers.stop({ containerId, graceMs: BigInt(GRACE_MS) }, { signal });
  if (state) await untilAborted(foldState(node, containerId, state), signal);
}
