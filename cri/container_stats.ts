// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  ContainerState as CriState,
  type ContainerStatsRequest,
  type ContainerStatsResponse,
  ContainerStatsResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { requireContainer } from "./container_find.ts";
import type { Node } from "./node.ts";
import { containerStatsOf } from "./stats/usage.ts";
import { FailedPreconditionError } from "../lib/errors.ts";

/**
 * Usage of one container, from memory.
 * @throws {NotFoundError}
 * @throws {FailedPreconditionError} if it has not been started
 */
export function containerStats(node: Node, { containerId }: ContainerStatsRequest): ContainerStatsResponse {
  const entry = requireContainer(node, containerId);
  if (entry.criState === CriState.CONTAINER_CREATED) {
    throw new FailedPreconditionError(`Container ${entry.id} has not been started: there is no usage`);
  }
  return create(ContainerStatsResponseSchema, { stats: containerStatsOf(entry, node.config.stateDir) });
}
