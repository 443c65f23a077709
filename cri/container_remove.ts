// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type RemoveContainerRequest,
  type RemoveContainerResponse,
  RemoveContainerResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { attempt, linkOf } from "./container_agent.ts";
import { discardContainer } from "./container_discard.ts";
import { findContainer } from "./container_find.ts";
import { stopRunning } from "./container_stop.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import type { ContainerEntry } from "./state/container_entry.ts";

/**
 * Removes a container, killing it if need be. Its log file stays: it is the kubelet's. Idempotent; an unknown id is no
 * error.
 */
export async function removeContainer(
  node: Node,
  { containerId }: RemoveContainerRequest,
  ctx: RpcContext,
): Promise<RemoveContainerResponse> {
  const entry = findContainer(node, containerId);
  if (entry) {
    if (entry.sandbox.facts.stoppedAt === null) await linkOf(node, entry.sandbox, ctx);
    const options = {
      key: entry.id,
      what: `Removal of container ${entry.id}`,
      timeoutMs: 2 * node.config.timeouts.call,
    };
    await attempt(node, options, ctx, (signal) => remove(node, entry, signal));
  }
  return create(RemoveContainerResponseSchema);
}

async function remove(node: Node, entry: ContainerEntry, signal: AbortSignal): Promise<void> {
  // An earlier call was faster.
  if (node.model.container(entry.id) !== entry) return;
  if (entry.facts.removeIntentAt === null) {
    node.store.containers.update(entry.id, { removeIntentAt: node.clock.now() }, "container remove intent");
  }
  const runs = entry.state.kind === "running" || entry.state.kind === "unknown";
  // Killed by itself first, so that its log has all that it said.
  if (runs && entry.sandbox.facts.stoppedAt === null) await stopRunning(node, entry, 0, signal);
  await discardContainer(node, entry.id, signal);
}
