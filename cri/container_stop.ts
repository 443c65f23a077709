// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { deadline, untilAborted } from "../lib/deadline.ts";
import {
  type StopContainerRequest,
  type StopContainerResponse,
  StopContainerResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { callAgent, linkOf } from "./container_agent.ts";
import { findContainer } from "./container_find.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import { foldState } from "./watch/fold.ts";

/** Longest grace time: a day. More is a mistake, and overflows somewhere. */
const GRACE_MAX_S = 86_400n;

/**
 * Stops a container: its stop signal, after `timeout` seconds SIGKILL. Answers when it is dead and all that it said is
 * in its log. Idempotent; an unknown id is no error. It goes on when the caller has gone.
 */
export async function stopContainer(
  node: Node,
  { containerId, timeout }: StopContainerRequest,
  ctx: RpcContext,
): Promise<StopContainerResponse> {
  const entry = findContainer(node, containerId);
  if (entry && await runs(node, entry, ctx)) {
    await linkOf(node, entry.sandbox, ctx);
    const seconds = timeout < 0n ? 0n : timeout > GRACE_MAX_S ? GRACE_MAX_S : timeout;
    await stopRunning(node, entry, Number(seconds) * 1000, ctx.signal);
  }
  return create(StopContainerResponseSchema);
}

/** Stops a running container on its own time, and waits as long as `signal` lets it. */
export async function stopRunning(
  node: Node,
  entry: ContainerEntry,
  graceMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (entry.facts.stopIntentAt === null) {
    node.store.containers.update(entry.id, { stopIntentAt: node.clock.now() }, "container stop intent");
  }
  const flight = stopOnAgent(node, entry, graceMs);
  const what = `stop of container ${entry.id}`;
  node.tasks.start(what, () => flight.catch((error) => signal.aborted ? Promise.reject(error) : undefined));
  await untilAborted(flight, signal);
}

async function stopOnAgent(
  node: Node,
  { id: containerId, sandbox }: ContainerEntry,
  graceMs: number,
): Promise<void> {
  using limit = deadline(graceMs + node.config.timeouts.call, {
    clock: node.clock,
    parents: [node.signal],
    what: `Stop of container ${containerId}`,
  });
  const { signal } = limit;
  const { state } = await callAgent(
    node,
    sandbox,
    signal,
    ({ containers }) => containers.stop({ containerId, graceMs: BigInt(graceMs) }, { signal }),
  );
  if (state) await foldState(node, containerId, state);
}

/** Whether there is a process to stop, when a start that is under way is over. */
async function runs(node: Node, entry: ContainerEntry, ctx: RpcContext): Promise<boolean> {
  using _lock = await node.containers.locks.acquire(entry.id, ctx.signal);
  if (entry.sandbox.facts.stoppedAt !== null) return false;
  return entry.state.kind === "running" || entry.state.kind === "unknown";
}
