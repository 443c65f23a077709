// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError } from "../../lib/errors.ts";
import type { StartRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";
import { containerState, type ContainerStateInit } from "./container_entry.ts";

/**
 * Starts a container. One that was started before is not started twice: a node whose call was cut off learns here what
 * came of it.
 */
export function startContainer(
  agent: Agent,
  { containerId }: StartRequest,
  { signal }: CallContext,
): Promise<{ state: ContainerStateInit }> {
  agent.refuseIfEnding();
  return agent.turns.take(containerId, async () => {
    const entry = agent.requireContainer(containerId);
    const { startedAtNs, exit } = entry.engine.facts();
    if (exit && startedAtNs === undefined) throw new FailedPreconditionError(exit.message);
    if (startedAtNs === undefined) await entry.engine.start(signal);
    return { state: containerState(entry) };
  });
}
