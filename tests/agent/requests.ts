// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { MountSource } from "../../protocol/gen/agent_pb.ts";
import { ContainerConfigSchema, PodSandboxConfigSchema } from "../../protocol/gen/cri_pb.ts";

export const SANDBOX_ID = "a".repeat(64);
export const IMAGE_ID = `sha256:${"e".repeat(64)}`;

type ContainerInit = MessageInitShape<typeof ContainerConfigSchema>;
type SandboxInit = MessageInitShape<typeof PodSandboxConfigSchema>;

export function configureRequest(sandboxId: string, config: SandboxInit = {}) {
  const message = create(PodSandboxConfigSchema, { hostname: "pod-1", ...config });
  return { sandboxId, config: toBinary(PodSandboxConfigSchema, message), addresses: ["127.0.0.1"] };
}

export function createRequest(
  containerId: string,
  config: ContainerInit,
  mounts: { containerPath: string; source: MountSource; readOnly: boolean }[] = [],
) {
  const message = create(ContainerConfigSchema, config);
  return {
    sandboxId: SANDBOX_ID,
    containerId,
    config: toBinary(ContainerConfigSchema, message),
    imageId: IMAGE_ID,
    mounts,
  };
}

/** A container that runs a shell script. */
export function shell(containerId: string, script: string, config: ContainerInit = {}) {
  return createRequest(containerId, { ...config, command: ["/bin/sh", "-c", script] });
}
