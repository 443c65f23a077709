// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { untilAborted } from "../lib/deadline.ts";
import { UnavailableError } from "../lib/errors.ts";
import {
  type RemovePodSandboxRequest,
  type RemovePodSandboxResponse,
  RemovePodSandboxResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { answerEarly } from "./early_answer.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import { eraseSandbox } from "./sandbox_discard.ts";
import { findSandbox } from "./sandbox_find.ts";
import { cancelStart } from "./sandbox_run.ts";
import { notYet, stopSandbox } from "./sandbox_stop.ts";
import { wasReady } from "./state/sandbox_state.ts";

/** Removes a sandbox and its containers; stops it first if need be. Idempotent; an unknown id is no error. */
export async function removePodSandbox(
  node: Node,
  { podSandboxId }: RemovePodSandboxRequest,
  ctx: RpcContext,
): Promise<RemovePodSandboxResponse> {
  const sandbox = findSandbox(node, podSandboxId);
  if (sandbox) {
    const work = removeSandbox(node, sandbox.id, ctx.signal);
    await answerEarly(node.clock, ctx, work, () => notYet(node, sandbox, "removed"));
  }
  return create(RemovePodSandboxResponseSchema);
}

/** Resolves when nothing of the sandbox is left. The work goes on when the signal aborts; a second call joins it. */
export async function removeSandbox(node: Node, id: string, signal: AbortSignal): Promise<void> {
  const sandbox = node.model.sandbox(id);
  if (!sandbox) return;
  if (wasReady(sandbox.state)) return await untilAborted(beginRemoval(node, id), signal);
  await cancelStart(node, id, new UnavailableError(`Sandbox ${id} was removed during its start`), signal);
}

function beginRemoval(node: Node, id: string): Promise<void> {
  const current = node.removals.get(id);
  if (current) return current;
  const flight = node.removals.run(id, async () => {
    if (node.model.sandbox(id)!.facts.removeIntentAt === null) {
      node.store.sandboxes.update(id, { removeIntentAt: node.clock.now() }, "sandbox remove intent");
    }
    await stopSandbox(node, id, node.signal);
    eraseSandbox(node, id, "sandbox removed");
  });
  node.tasks.start(`removal of sandbox ${id}`, () => flight);
  return flight;
}
