// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ContainerConfig, PodSandboxConfig } from "../../protocol/gen/cri_pb.ts";

/**
 * What stand-alone pods need of the node: the functions behind the CRI calls, and no other way. As an interface so that
 * the controller can be tested without VMs.
 */
export interface PodCalls {
  /** RunPodSandbox with origin `client`. Answers the sandbox's id; tells of each phase of the start at its end. */
  runSandbox(
    config: PodSandboxConfig,
    runtimeHandler: string,
    onphase: (phase: string, milliseconds: number) => void,
    signal: AbortSignal,
  ): Promise<string>;
  stopSandbox(id: string, signal: AbortSignal): Promise<void>;
  removeSandbox(id: string, signal: AbortSignal): Promise<void>;
  createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<string>;
  startContainer(id: string, signal: AbortSignal): Promise<void>;
  stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>;
  removeContainer(id: string, signal: AbortSignal): Promise<void>;
  /**
   * The id of an image, pulled if need be.
   *
   * @throws {NotFoundError} if there is no such image
   */
  resolveImage(image: string, signal: AbortSignal): Promise<string>;
  /** Resolves when the pod's VM is linked. */
  linked(sandboxId: string, signal: AbortSignal): Promise<void>;
}
