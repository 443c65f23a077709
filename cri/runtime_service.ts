// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { RuntimeService } from "../protocol/gen/cri_pb.ts";
import type { Handlers } from "../protocol/grpc/mod.ts";
import { createContainer } from "./container_create.ts";
import { listContainers, streamContainers } from "./container_list.ts";
import { removeContainer } from "./container_remove.ts";
import { reopenContainerLog } from "./container_reopen_log.ts";
import { startContainer } from "./container_start.ts";
import { containerStats } from "./container_stats.ts";
import { listContainerStats, streamContainerStats } from "./container_stats_list.ts";
import { containerStatus } from "./container_status.ts";
import { stopContainer } from "./container_stop.ts";
import { updateContainerResources } from "./container_update.ts";
import { execSync } from "./exec_sync.ts";
import type { Node } from "./node.ts";
import { runtimeConfig } from "./runtime_config.ts";
import { listPodSandbox } from "./sandbox_list.ts";
import { removePodSandbox } from "./sandbox_remove.ts";
import { runPodSandbox } from "./sandbox_run.ts";
import { listPodSandboxStats, podSandboxStats, streamPodSandboxStats } from "./sandbox_stats.ts";
import { podSandboxStatus } from "./sandbox_status.ts";
import { stopPodSandbox } from "./sandbox_stop.ts";
import { streamPodSandboxes } from "./sandbox_stream.ts";
import { status } from "./status.ts";
import { updateRuntimeConfig } from "./update_runtime_config.ts";
import { version } from "./version.ts";

/**
 * runtime.v1.RuntimeService: each call and the function that answers it. What is not here answers UNIMPLEMENTED and is
 * in the README's table.
 */
export function runtimeService(node: Node): Handlers<typeof RuntimeService> {
  return {
    version: (request) => version(request),
    status: (request, context) => status(node, request, context),
    runtimeConfig: (request) => runtimeConfig(node, request),
    updateRuntimeConfig: (request) => updateRuntimeConfig(node, request),

    runPodSandbox: (request, context) => runPodSandbox(node, request, context),
    stopPodSandbox: (request, context) => stopPodSandbox(node, request, context),
    removePodSandbox: (request, context) => removePodSandbox(node, request, context),
    podSandboxStatus: (request) => podSandboxStatus(node, request),
    listPodSandbox: (request) => listPodSandbox(node, request),
    streamPodSandboxes: (request) => streamPodSandboxes(node, request),

    createContainer: (request, context) => createContainer(node, request, context),
    startContainer: (request, context) => startContainer(node, request, context),
    stopContainer: (request, context) => stopContainer(node, request, context),
    removeContainer: (request, context) => removeContainer(node, request, context),
    containerStatus: (request) => containerStatus(node, request),
    listContainers: (request) => listContainers(node, request),
    streamContainers: (request) => streamContainers(node, request),
    updateContainerResources: (request) => updateContainerResources(node, request),
    reopenContainerLog: (request, context) => reopenContainerLog(node, request, context),
    execSync: (request, context) => execSync(node, request, context),

    containerStats: (request) => containerStats(node, request),
    listContainerStats: (request) => listContainerStats(node, request),
    streamContainerStats: (request) => streamContainerStats(node, request),
    podSandboxStats: (request) => podSandboxStats(node, request),
    listPodSandboxStats: (request) => listPodSandboxStats(node, request),
    streamPodSandboxStats: (request) => streamPodSandboxStats(node, request),
  };
}
