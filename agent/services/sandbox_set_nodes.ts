// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../../lib/errors.ts";
import type { SetNodesRequest } from "../../protocol/gen/agent_pb.ts";
import type { Agent } from "./agent.ts";

/** Where the node listens from now on. @throws {InvalidArgumentError} for an empty list: the VM could never call home again */
export async function setNodes(agent: Agent, { nodes }: SetNodesRequest): Promise<Record<string, never>> {
  if (nodes.length === 0) throw new InvalidArgumentError("List of node addresses is empty");
  await agent.setNodes(nodes);
  return {};
}
