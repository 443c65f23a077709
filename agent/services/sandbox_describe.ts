// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DescribeResponseSchema } from "../../protocol/gen/agent_pb.ts";
import type { Agent } from "./agent.ts";
import { containerState } from "./container_entry.ts";

/** The raw configurations on this VM's disk, from which a node that lost its facts is rebuilt. */
export function describe(agent: Agent): MessageInitShape<typeof DescribeResponseSchema> {
  const request = agent.sandbox?.request;
  return {
    ...(request && { sandboxId: request.sandboxId, config: request.config, addresses: request.addresses }),
    containers: [...agent.containers.values()].map((entry) => ({
      id: entry.id,
      config: entry.request.config,
      state: containerState(entry),
    })),
  };
}
