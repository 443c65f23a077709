// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { deadline, untilAborted } from "../lib/deadline.ts";
import { FailedPreconditionError } from "../lib/errors.ts";
import {
  type StartContainerRequest,
  type StartContainerResponse,
  StartContainerResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { attempt, callAgent, linkOf } from "./container_agent.ts";
import { requireContainer } from "./container_find.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import { foldState } from "./watch/fold.ts";

const EXIT_TOLD_MS = 2000;

/**
 * Starts a container that was created: it runs, and has its log file, when this answers. A process that cannot be
 * started makes the call fail and the container EXITED, with code 128 and reason StartError.
 *
 * @throws {FailedPreconditionError} if it was started before, or its sandbox is not ready
 */
export async function startContainer(
  node: Node,
  { containerId }: StartContainerRequest,
  ctx: RpcContext,
): Promise<StartContainerResponse> {
  const entry = requireContainer(node, containerId);
  if (entry.state.kind === "unknown" && await wasStarted(node, entry, ctx)) {
    return create(StartContainerResponseSchema);
  }
  checkStartable(entry);
  await linkOf(node, entry.sandbox, ctx);
  const options = {
    key: entry.id,
    what: `Start of container ${entry.id}`,
    timeoutMs: node.config.timeouts.call,
  };
  await attempt(node, options, ctx, (signal) => start(node, entry, signal));
  return create(StartContainerResponseSchema);
}

/** Of a start that the end of this process cut short its agent knows what became of it: the caller's retry joins it. */
async function wasStarted(node: Node, entry: ContainerEntry, ctx: RpcContext): Promise<boolean> {
  await linkOf(node, entry.sandbox, ctx);
  await until(node, () => entry.state.kind !== "unknown", ctx.signal);
  return entry.state.kind === "running";
}

/** Resolves when the condition holds, which is looked at after each change of the model. */
async function until(node: Node, condition: () => boolean, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => condition() && resolve();
  using _subscription = node.model.subscribe(look);
  look();
  await untilAborted(promise, signal);
}

function checkStartable({ id, state, sandbox, facts }: ContainerEntry): void {
  if (state.kind !== "created" || facts.removeIntentAt !== null) {
    const now = facts.removeIntentAt === null ? state.kind : "being removed";
    throw new FailedPreconditionError(
      `Container ${id} is ${now}: only one that was just created can be started`,
    );
  }
  if (sandbox.state.kind !== "ready") {
    throw new FailedPreconditionError(
      `Container ${id} cannot be started: its sandbox is ${sandbox.state.kind}`,
    );
  }
}

async function start(node: Node, entry: ContainerEntry, signal: AbortSignal): Promise<void> {
  checkStartable(entry);
  const { id: containerId, sandbox } = entry;
  // The kubelet looks for the file as soon as the call has answered.
  await node.containers.logs.start(entry);
  node.store.containers.update(containerId, { startIntentAt: node.clock.now() }, "container start intent");
  try {
    const { state } = await callAgent(
      node,
      sandbox,
      signal,
      ({ containers }) => containers.start({ containerId }, { signal }),
    );
    if (state) await foldState(node, containerId, state);
  } catch (error) {
    await untilTold(node, entry, signal);
    throw error;
  }
}

/** The watch tells the exit of a process that could not be started: the next List should not be older than the error. */
async function untilTold(node: Node, entry: ContainerEntry, signal: AbortSignal): Promise<void> {
  using limit = deadline(EXIT_TOLD_MS, {
    clock: node.clock,
    parents: [signal],
    what: `Exit of container ${entry.id}`,
  });
  await until(node, () => entry.state.kind === "exited", limit.signal).catch(() => {}); // Then it will be told later.
}
