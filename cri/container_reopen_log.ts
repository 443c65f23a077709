// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type ReopenContainerLogRequest,
  type ReopenContainerLogResponse,
  ReopenContainerLogResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { requireRunning } from "./container_find.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";

/**
 * Goes on in a new file at the log's path, after the kubelet has renamed the old one. The old one ends with a whole
 * record. If it fails it has made no file.
 *
 * @throws {FailedPreconditionError} if the container does not run
 * @throws {UnavailableError} if there can be no new file now
 */
export async function reopenContainerLog(
  node: Node,
  { containerId }: ReopenContainerLogRequest,
  ctx: RpcContext,
): Promise<ReopenContainerLogResponse> {
  const entry = requireRunning(node, containerId, "ReopenContainerLog");
  await node.containers.logs.reopen(entry.id, ctx.signal);
  return create(ReopenContainerLogResponseSchema);
}
