// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  type ContainerConfigSchema,
  type CreateContainerRequest,
  CreateContainerRequestSchema,
} from "../../protocol/gen/cri_pb.ts";
import { createContainer } from "../container_create.ts";
import { startContainer } from "../container_start.ts";
import { RESERVED_IMAGE, RESERVED_IMAGE_ID } from "../images/reserved.ts";
import type { NodeHarness } from "./node_harness.ts";

/** Fields of a container's configuration, and its attempt. */
export type ContainerPatch =
  & Exclude<MessageInitShape<typeof ContainerConfigSchema>, ContainerConfig>
  & { readonly attempt?: number };

/** A request as the kubelet makes it. `patch` is merged over its configuration. */
export function containerRequest(
  podSandboxId: string,
  name: string,
  patch: ContainerPatch = {},
): CreateContainerRequest {
  const { attempt = 0, ...config } = patch;
  const encode = (text: string) => new TextEncoder().encode(text);
  return create(CreateContainerRequestSchema, {
    podSandboxId,
    config: {
      metadata: { name, attempt },
      image: { image: RESERVED_IMAGE_ID, userSpecifiedImage: RESERVED_IMAGE },
      envs: [{ key: "A", value: encode("1") }, { key: "B", value: encode("2") }],
      labels: { "io.kubernetes.container.name": name, app: name },
      annotations: { "io.kubernetes.container.hash": "1a2b3c", "io.kubernetes.container.restartCount": "0" },
      linux: { resources: { cpuShares: 102n, memoryLimitInBytes: 1n << 27n } },
      ...config,
    },
  });
}

/** Creates a container. Answers its id. Time stands still: files are looked at meanwhile, which is not waiting. */
export async function createNow(
  harness: NodeHarness,
  ...request: Parameters<typeof containerRequest>
): Promise<string> {
  const creating = createContainer(harness.node, containerRequest(...request), harness.context());
  return (await creating).containerId;
}

/** Creates and starts a container. Answers its id. */
export async function runNow(
  harness: NodeHarness,
  ...request: Parameters<typeof containerRequest>
): Promise<string> {
  const containerId = await createNow(harness, ...request);
  const started = { $typeName: "runtime.v1.StartContainerRequest", containerId } as const;
  await startContainer(harness.node, started, harness.context());
  return containerId;
}
