// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { create } from "@bufbuild/protobuf";
import { NotFoundError } from "../../lib/errors.ts";
import {
  CreateContainerRequestSchema,
  ImageStatusRequestSchema,
  PullImageRequestSchema,
  RemoveContainerRequestSchema,
  RemovePodSandboxRequestSchema,
  RunPodSandboxRequestSchema,
  StartContainerRequestSchema,
  StopContainerRequestSchema,
  StopPodSandboxRequestSchema,
} from "../../protocol/gen/cri_pb.ts";
import { createContainer } from "../container_create.ts";
import { removeContainer } from "../container_remove.ts";
import { startContainer } from "../container_start.ts";
import { stopContainer } from "../container_stop.ts";
import { pullImage } from "../image_pull.ts";
import { imageStatus } from "../image_status.ts";
import type { Node } from "../node.ts";
import type { RpcContext } from "../rpc_context.ts";
import { removePodSandbox } from "../sandbox_remove.ts";
import { runPodSandbox } from "../sandbox_run.ts";
import { stopPodSandbox } from "../sandbox_stop.ts";
import type { StartProgress } from "../start_progress.ts";
import { SandboxEntry } from "../state/sandbox_entry.ts";
import type { PodCalls } from "./calls.ts";

/** {@linkcode PodCalls} as the functions behind the CRI calls. */
export function nodeCalls(node: Node): PodCalls {
  return {
    async runSandbox(config, runtimeHandler, onphase, signal) {
      const request = create(RunPodSandboxRequestSchema, { config, runtimeHandler });
      using _progress = node.model.subscribe(({ entry }) => {
        if (!(entry instanceof SandboxEntry) || entry.facts.uid !== config.metadata?.uid) return;
        // Its row is recorded just before the start begins.
        queueMicrotask(() => setOnPhase(node, entry.id, onphase));
      });
      return (await runPodSandbox(node, request, context(signal), { origin: "client" })).podSandboxId;
    },
    async stopSandbox(podSandboxId, signal) {
      await stopPodSandbox(node, create(StopPodSandboxRequestSchema, { podSandboxId }), context(signal));
    },
    async removeSandbox(podSandboxId, signal) {
      await removePodSandbox(node, create(RemovePodSandboxRequestSchema, { podSandboxId }), context(signal));
    },
    async createContainer(podSandboxId, config, sandboxConfig, signal) {
      const request = create(CreateContainerRequestSchema, { podSandboxId, config, sandboxConfig });
      return (await createContainer(node, request, context(signal))).containerId;
    },
    async startContainer(containerId, signal) {
      await startContainer(node, create(StartContainerRequestSchema, { containerId }), context(signal));
    },
    async stopContainer(containerId, graceSeconds, signal) {
      const request = create(StopContainerRequestSchema, { containerId, timeout: BigInt(graceSeconds) });
      await stopContainer(node, request, context(signal));
    },
    async removeContainer(containerId, signal) {
      await removeContainer(node, create(RemoveContainerRequestSchema, { containerId }), context(signal));
    },
    resolveImage: (image, signal) => resolveImage(node, image, signal),
    async linked(sandboxId, signal) {
      const sandbox = node.model.sandbox(sandboxId);
      if (!sandbox) throw new NotFoundError(`Sandbox ${sandboxId} does not exist`);
      await node.agents.waitFor(sandbox.facts.vmId, signal);
    },
  };
}

function setOnPhase(node: Node, id: string, onphase: StartProgress["onphase"]): void {
  const progress = node.starts.progressOf(id);
  if (progress) progress.onphase = onphase;
}

/** As a kubelet does: an image that is there is not pulled. */
async function resolveImage(node: Node, image: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const spec = { image: { image } };
  const found = await imageStatus(node, create(ImageStatusRequestSchema, spec));
  if (found.image) return found.image.id;
  return (await pullImage(node, create(PullImageRequestSchema, spec))).imageRef;
}

function context(signal: AbortSignal): RpcContext {
  return { signal, deadline: undefined };
}
