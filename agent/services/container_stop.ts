// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { StopRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";
import { containerState, type ContainerStateInit } from "./container_entry.ts";

/** Stops a container and answers when it is dead and its log complete. One that never ran stays as it is. */
export async function stopContainer(
  agent: Agent,
  { containerId, graceMs }: StopRequest,
  { signal }: CallContext,
): Promise<{ state: ContainerStateInit }> {
  const entry = agent.requireContainer(containerId);
  await entry.engine.stop(Number(graceMs), signal);
  return { state: containerState(entry) };
}
