// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, equals } from "@bufbuild/protobuf";
import { UnsupportedError } from "../lib/errors.ts";
import {
  LinuxContainerResourcesSchema,
  type UpdateContainerResourcesRequest,
  type UpdateContainerResourcesResponse,
  UpdateContainerResourcesResponseSchema,
  WindowsContainerResourcesSchema,
} from "../protocol/gen/cri_pb.ts";
import { requireContainer } from "./container_find.ts";
import type { Node } from "./node.ts";

/**
 * Changes what a container may use. Engine `exec` sets no limits, so nothing can be changed: only a request that asks
 * for nothing (all fields zero) is done.
 *
 * @throws {UnsupportedError} if something is asked for
 */
export function updateContainerResources(
  node: Node,
  { containerId, linux, windows }: UpdateContainerResourcesRequest,
): UpdateContainerResourcesResponse {
  const { id } = requireContainer(node, containerId);
  const asks =
    (linux && !equals(LinuxContainerResourcesSchema, linux, create(LinuxContainerResourcesSchema))) ||
    (windows && !equals(WindowsContainerResourcesSchema, windows, create(WindowsContainerResourcesSchema)));
  if (asks) {
    throw new UnsupportedError(
      `Resources of container ${id} cannot be changed: engine 'exec' sets no limits of its own, its VM has them`,
    );
  }
  return create(UpdateContainerResourcesResponseSchema);
}
