// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { toBinary } from "@bufbuild/protobuf";
import { InvalidArgumentError, UnsupportedError } from "../lib/errors.ts";
import {
  type LinuxSandboxSecurityContext,
  NamespaceMode,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
  type PodSandboxMetadata,
  type RunPodSandboxRequest,
} from "../protocol/gen/cri_pb.ts";
import { rawField } from "../protocol/raw_field.ts";
import type { NodeConfig, Profile } from "./config/schema.ts";
import type { RpcContext } from "./rpc_context.ts";
import { configDigest } from "./state/config_digest.ts";
import type { SandboxKey } from "./state/model.ts";

/** A request that was found good, with what follows from it. */
export interface SandboxRequest {
  readonly key: SandboxKey;
  readonly config: PodSandboxConfig;
  /** As it came, byte for byte where it came over a wire. */
  readonly rawConfig: Uint8Array;
  readonly digest: string;
  readonly runtimeHandler: string;
  readonly profileName: string;
  readonly profile: Profile;
  /** For a person: what is accepted and not done. */
  readonly warnings: readonly string[];
}

/**
 * @throws {InvalidArgumentError} naming the field that is wrong
 * @throws {UnsupportedError} for what a VM cannot be: part of its node
 */
export function readSandboxRequest(
  config: NodeConfig,
  request: RunPodSandboxRequest,
  ctx: RpcContext,
): SandboxRequest {
  const wanted = request.config;
  if (!wanted) throw new InvalidArgumentError("RunPodSandbox needs 'config'");
  const key = readKey(wanted.metadata);
  const context = wanted.linux?.securityContext;
  if (context) checkSecurityContext(context, `${key.namespace}/${key.name}`);
  const profileName = request.runtimeHandler || config.defaultProfile;
  return {
    key,
    config: wanted,
    rawConfig: rawField(ctx.rawRequest ?? new Uint8Array(), 1)?.slice() ??
      toBinary(PodSandboxConfigSchema, wanted),
    digest: configDigest(PodSandboxConfigSchema, wanted),
    runtimeHandler: request.runtimeHandler,
    profileName,
    profile: findProfile(config, profileName),
    warnings: warningsOf(wanted),
  };
}

function readKey(metadata: PodSandboxMetadata | undefined): SandboxKey {
  if (!metadata) throw new InvalidArgumentError("RunPodSandbox needs 'config.metadata'");
  for (const field of ["name", "namespace", "uid"] as const) {
    if (metadata[field] === "") {
      throw new InvalidArgumentError(`RunPodSandbox needs 'config.metadata.${field}'`);
    }
  }
  const { namespace, name, uid, attempt } = metadata;
  return { namespace, name, uid, attempt };
}

function findProfile(config: NodeConfig, name: string): Profile {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
  if (profile) return profile;
  const names = Object.keys(config.profiles).join(", ");
  throw new InvalidArgumentError(
    `Runtime handler '${name}' is not configured on this node: there are ${names}`,
  );
}

function checkSecurityContext(context: LinuxSandboxSecurityContext, pod: string): void {
  if (context.runAsGroup && !context.runAsUser) {
    throw new InvalidArgumentError(`Pod ${pod} sets run_as_group without run_as_user: set both`);
  }
  const namespaces = context.namespaceOptions;
  if (!namespaces) return;
  for (const [field, name] of [["network", "hostNetwork"], ["pid", "hostPID"], ["ipc", "hostIPC"]] as const) {
    if (namespaces[field] !== NamespaceMode.NODE) continue;
    throw new UnsupportedError(
      `Pod ${pod} asks for ${name}: its containers run in a VM of their own, which cannot be part of the node`,
    );
  }
  // NODE is what the kubelet always sends: no user namespace of the pod's own.
  if (namespaces.usernsOptions && namespaces.usernsOptions.mode !== NamespaceMode.NODE) {
    throw new UnsupportedError(
      `Pod ${pod} asks for a user namespace (hostUsers: false): not supported, its VM isolates it`,
    );
  }
}

function warningsOf(config: PodSandboxConfig): string[] {
  const hostPorts = config.portMappings.filter((mapping) => mapping.hostPort !== 0).map((mapping) =>
    mapping.hostPort
  );
  return hostPorts.length === 0
    ? []
    : [`hostPort ${hostPorts.join(", ")} is not opened on the node: reach the pod by its IP`];
}
