// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { fromBinary } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../../lib/errors.ts";
import type { ConfigureRequest, CreateRequest } from "../../protocol/gen/agent_pb.ts";
import type { ContainerSpec, SandboxSpec } from "../engines/engine.ts";

/** Ids become names of directories. */
const ID_REGEXP = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** @throws {InvalidArgumentError} if it cannot be an id */
export function checkId(kind: "sandbox" | "container", id: string): void {
  if (ID_REGEXP.test(id)) return;
  throw new InvalidArgumentError(
    `${kind} id ${JSON.stringify(id.slice(0, 80))} must be 1 to 64 letters, digits or hyphens`,
  );
}

/** @throws {InvalidArgumentError} if its configuration is not a PodSandboxConfig */
export async function sandboxSpec(request: ConfigureRequest): Promise<SandboxSpec> {
  // Not needed to call home, and slow to load: the agent does it while its first connection is being made.
  const { PodSandboxConfigSchema } = await import("../../protocol/gen/cri_pb.ts");
  const config = decode("PodSandboxConfig", () => fromBinary(PodSandboxConfigSchema, request.config));
  return { id: request.sandboxId, config, addresses: request.addresses };
}

/** @throws {InvalidArgumentError} if its configuration is not a ContainerConfig */
export async function containerSpec(
  request: CreateRequest,
  sandbox: SandboxSpec,
  directory: string,
): Promise<ContainerSpec> {
  const { ContainerConfigSchema } = await import("../../protocol/gen/cri_pb.ts");
  return {
    id: request.containerId,
    sandbox,
    config: decode("ContainerConfig", () => fromBinary(ContainerConfigSchema, request.config)),
    imageId: request.imageId,
    mounts: request.mounts.map(({ containerPath, source, readOnly }) => ({
      containerPath,
      source,
      readOnly,
    })),
    directory,
  };
}

function decode<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new InvalidArgumentError(`Configuration is not a runtime.v1.${what}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
