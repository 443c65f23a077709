// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { toBinary } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../lib/errors.ts";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  type CreateContainerRequest,
  type KeyValue,
} from "../protocol/gen/cri_pb.ts";
import { rawField } from "../protocol/raw_field.ts";
import type { RpcContext } from "./rpc_context.ts";
import { configDigest } from "./state/config_digest.ts";

/** A request that was found good, with what follows from it. */
export interface ContainerRequest {
  readonly name: string;
  readonly attempt: number;
  readonly config: ContainerConfig;
  /** As it came, byte for byte where it came over a wire. */
  readonly rawConfig: Uint8Array;
  readonly digest: string;
  /** What the image is called in the request: an id, mostly. */
  readonly image: string;
}

/** @throws {InvalidArgumentError} naming the field that is wrong */
export function readContainerRequest(request: CreateContainerRequest, ctx: RpcContext): ContainerRequest {
  const { config } = request;
  if (request.podSandboxId === "") throw new InvalidArgumentError("CreateContainer needs 'pod_sandbox_id'");
  if (!config) throw new InvalidArgumentError("CreateContainer needs 'config'");
  if (!config.metadata?.name) throw new InvalidArgumentError("CreateContainer needs 'config.metadata.name'");
  if (!config.image?.image) throw new InvalidArgumentError("CreateContainer needs 'config.image.image'");
  checkIdentity(config);
  for (const each of config.envs) checkVariable(each);
  return {
    name: config.metadata.name,
    attempt: config.metadata.attempt,
    config,
    rawConfig: rawField(ctx.rawRequest ?? new Uint8Array(), 2)?.slice() ??
      toBinary(ContainerConfigSchema, config),
    digest: digestOf(config),
    image: config.image.image,
  };
}

function checkIdentity({ linux, metadata }: ContainerConfig): void {
  const context = linux?.securityContext;
  if (context?.runAsGroup && !context.runAsUser && context.runAsUsername === "") {
    throw new InvalidArgumentError(
      `Container '${metadata?.name}' sets run_as_group without run_as_user: set both`,
    );
  }
}

function checkVariable({ key, value }: KeyValue): void {
  if (key === "" || key.includes("=") || key.includes("\0")) {
    throw new InvalidArgumentError(`Environment variable '${key}' must have a name without '=' and NUL`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch (cause) {
    throw new InvalidArgumentError(
      `Environment variable '${key}' must be UTF-8: engine 'exec' can pass no other`,
      {
        cause,
      },
    );
  }
  if (text.includes("\0")) {
    throw new InvalidArgumentError(`Environment variable '${key}' must not contain NUL`);
  }
}

/** The kubelet adds the variables of services in random order: variables of different names are sorted. */
function digestOf(config: ContainerConfig): string {
  const envs = config.envs.toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return configDigest(ContainerConfigSchema, { ...config, envs });
}
