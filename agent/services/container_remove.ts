// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { RemoveRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";

/** Removes a container, killing it if need be. An unknown id is fine: it is as if it had been removed before. */
export function removeContainer(
  agent: Agent,
  { containerId }: RemoveRequest,
  { signal }: CallContext,
): Promise<{ sequence: bigint }> {
  return agent.turns.take(containerId, async () => {
    const entry = agent.containers.get(containerId);
    if (entry) {
      await (await agent.engine()).remove(entry.engine, signal);
      agent.store.delete(containerId);
      agent.delete(containerId);
    }
    return { sequence: agent.sequence };
  });
}
