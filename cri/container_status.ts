// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  ContainerMetadataSchema,
  ContainerResourcesSchema,
  type ContainerStatus,
  type ContainerStatusRequest,
  type ContainerStatusResponse,
  ContainerStatusResponseSchema,
  ContainerStatusSchema,
  ImageSpecSchema,
  Signal,
} from "../protocol/gen/cri_pb.ts";
import { requireContainer } from "./container_find.ts";
import { logPath } from "./logs/log_path.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";

/**
 * What is known of a container, from memory. Labels, annotations and mounts are those of the request, unchanged: the
 * kubelet keeps its own state in them.
 *
 * @throws {NotFoundError}
 */
export function containerStatus(
  node: Node,
  { containerId, verbose }: ContainerStatusRequest,
): ContainerStatusResponse {
  const entry = requireContainer(node, containerId);
  const info = verbose ? { info: JSON.stringify(containerInfo(entry)) } : {};
  return create(ContainerStatusResponseSchema, { status: statusOf(entry), info });
}

function statusOf(entry: ContainerEntry): ContainerStatus {
  const { id, facts, config, criState, state, sandbox } = entry;
  const agent = state.kind === "running" || state.kind === "exited" ? state.agent : undefined;
  const asked = config.image;
  const { linux, windows } = config;
  return create(ContainerStatusSchema, {
    id,
    metadata: create(ContainerMetadataSchema, { name: facts.name, attempt: facts.attempt }),
    state: criState,
    createdAt: facts.createdAtNs,
    startedAt: agent?.startedAt ?? 0n,
    finishedAt: state.kind === "exited" ? state.agent.finishedAt : 0n,
    exitCode: state.kind === "exited" ? state.agent.exitCode : 0,
    reason: agent?.reason ?? "",
    message: agent?.message ?? "",
    image: create(ImageSpecSchema, {
      image: asked?.userSpecifiedImage || asked?.image || facts.imageId,
      userSpecifiedImage: asked?.userSpecifiedImage ?? "",
      annotations: asked?.annotations ?? {},
    }),
    imageRef: facts.imageId,
    imageId: facts.imageId,
    labels: config.labels,
    annotations: config.annotations,
    mounts: config.mounts,
    logPath: logPath(sandbox.config, config) ?? "",
    stopSignal: config.stopSignal === Signal.RUNTIME_DEFAULT ? Signal.SIGTERM : config.stopSignal,
    ...(linux?.resources && {
      resources: create(ContainerResourcesSchema, { linux: linux.resources }),
    }),
    ...(windows?.resources && {
      resources: create(ContainerResourcesSchema, { windows: windows.resources }),
    }),
  });
}

/** What people want to know of a container beyond CRI. Holds nothing of its environment. */
export function containerInfo({ facts, agentState, state, sandbox }: ContainerEntry) {
  return {
    state: state.kind,
    sandboxId: sandbox.id,
    vmId: sandbox.facts.vmId,
    pid: agentState?.pid ?? 0,
    logBase: facts.logBase,
    logRecordsDropped: Number(agentState?.logRecordsDropped ?? 0n),
    warnings: facts.warnings,
  };
}
