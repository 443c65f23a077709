// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  LinuxPodSandboxStatusSchema,
  NamespaceOptionSchema,
  NamespaceSchema,
  PodIPSchema,
  PodSandboxMetadataSchema,
  PodSandboxNetworkStatusSchema,
  type PodSandboxStatus,
  type PodSandboxStatusRequest,
  type PodSandboxStatusResponse,
  PodSandboxStatusResponseSchema,
  PodSandboxStatusSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";
import { requireSandbox } from "./sandbox_find.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";

/**
 * What is known of a sandbox, from memory.
 * @throws {NotFoundError}
 */
export function podSandboxStatus(
  node: Node,
  { podSandboxId, verbose }: PodSandboxStatusRequest,
): PodSandboxStatusResponse {
  const entry = requireSandbox(node, podSandboxId);
  const info = verbose ? { info: JSON.stringify(sandboxInfo(node, entry)) } : {};
  return create(PodSandboxStatusResponseSchema, { status: statusOf(entry), info });
}

function statusOf({ id, facts, config, criState }: SandboxEntry): PodSandboxStatus {
  const [ip = "", ...additional] = facts.stoppedAt === null ? facts.addresses : [];
  const { name, namespace, uid, attempt } = facts;
  // As asked for: the kubelet compares it with what it wants and makes a new sandbox if it differs.
  const options = config.linux?.securityContext?.namespaceOptions ?? create(NamespaceOptionSchema);
  return create(PodSandboxStatusSchema, {
    id,
    metadata: create(PodSandboxMetadataSchema, { name, namespace, uid, attempt }),
    state: criState,
    createdAt: facts.createdAtNs,
    network: create(PodSandboxNetworkStatusSchema, {
      ip,
      additionalIps: additional.map((each) => create(PodIPSchema, { ip: each })),
    }),
    linux: create(LinuxPodSandboxStatusSchema, { namespaces: create(NamespaceSchema, { options }) }),
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: facts.runtimeHandler,
  });
}

/** What people want to know of a sandbox beyond CRI: which VM it is, how its start went. Holds no secret. */
export function sandboxInfo(node: Node, { facts, vm, state, heardAt }: SandboxEntry) {
  return {
    state: state.kind,
    profile: facts.profile,
    provider: vm?.provider,
    vmId: facts.vmId,
    instanceId: vm?.instanceId,
    addresses: facts.addresses,
    linked: node.agents.get(facts.vmId) !== undefined,
    heardAt: heardAt === null ? null : new Date(heardAt).toISOString(),
    phases: facts.phases,
    warnings: facts.warnings,
    ...(facts.lostReason !== null && { lostReason: facts.lostReason }),
  };
}
