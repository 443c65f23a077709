// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  NamespaceMode,
  type NamespaceOptionSchema,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
  Protocol,
} from "../../protocol/gen/cri_pb.ts";
import { expandReferences, expandVariables } from "./expand.ts";
import type { ManifestContainer, PodManifest } from "./manifest.ts";
import { containerResources, podResources } from "./resources.ts";

/** The manifest as it was given, in the sandbox's annotations: what the resident controller works by after a restart. */
export const MANIFEST_ANNOTATION = "infranetes.io/pod-manifest";
/** Milliseconds that the start of this run of a container was held back; absent for the first run and the first restart. */
export const RESTART_DELAY_ANNOTATION = "infranetes.io/restart-delay-ms";

export interface PodIdentity {
  /** The manifest as it was given. */
  readonly given: unknown;
  readonly uid: string;
  readonly namespace: string;
  /** Absolute path of the pod's logs. */
  readonly logDirectory: string;
}

export interface RunIdentity {
  /** Number of runs before this one. */
  readonly attempt: number;
  /** What the image's name was resolved to. */
  readonly imageId: string;
  readonly restartDelayMs: number;
  /** File on the node that receives the termination message. */
  readonly terminationMessageFile: string;
}

const PROTOCOLS = { TCP: Protocol.TCP, UDP: Protocol.UDP, SCTP: Protocol.SCTP };

/** Namespaces as a kubelet asks for them when the manifest says nothing. */
const NAMESPACES: MessageInitShape<typeof NamespaceOptionSchema> = {
  network: NamespaceMode.POD,
  pid: NamespaceMode.CONTAINER,
  ipc: NamespaceMode.POD,
};

/** The manifest's pod as a kubelet would ask for its sandbox. */
export function sandboxConfig(manifest: PodManifest, identity: PodIdentity): PodSandboxConfig {
  const { metadata, spec } = manifest;
  const { uid, namespace, logDirectory } = identity;
  return create(PodSandboxConfigSchema, {
    metadata: { name: metadata.name, namespace, uid, attempt: 0 },
    hostname: spec.hostname ?? hostnameOf(metadata.name),
    logDirectory,
    portMappings: spec.containers.flatMap(({ ports }) =>
      ports.map(({ containerPort, protocol }) => ({ containerPort, protocol: PROTOCOLS[protocol] }))
    ),
    labels: { ...metadata.labels, ...podLabels(manifest, identity) },
    annotations: { ...metadata.annotations, [MANIFEST_ANNOTATION]: JSON.stringify(identity.given) },
    linux: { securityContext: { namespaceOptions: NAMESPACES }, resources: podResources(spec.containers) },
  });
}

/** One run of one container as a kubelet would ask for it. */
export function containerConfig(
  manifest: PodManifest,
  container: ManifestContainer,
  pod: PodIdentity,
  run: RunIdentity,
): ContainerConfig {
  const variables = expandVariables(container.env);
  const expand = (text: string) => expandReferences(text, variables);
  return create(ContainerConfigSchema, {
    metadata: { name: container.name, attempt: run.attempt },
    image: { image: run.imageId, userSpecifiedImage: container.image },
    command: container.command.map(expand),
    args: container.args.map(expand),
    workingDir: container.workingDir,
    envs: [...variables].map(([key, value]) => ({ key, value: new TextEncoder().encode(value) })),
    mounts: [{ containerPath: container.terminationMessagePath, hostPath: run.terminationMessageFile }],
    labels: { ...podLabels(manifest, pod), "io.kubernetes.container.name": container.name },
    annotations: {
      "io.kubernetes.container.restartCount": String(run.attempt),
      "io.kubernetes.container.terminationMessagePath": container.terminationMessagePath,
      "io.kubernetes.container.terminationMessagePolicy": container.terminationMessagePolicy,
      "io.kubernetes.pod.terminationGracePeriod": String(manifest.spec.terminationGracePeriodSeconds),
      ...(run.restartDelayMs > 0 ? { [RESTART_DELAY_ANNOTATION]: String(run.restartDelayMs) } : {}),
    },
    logPath: logPath(container.name, run.attempt),
    linux: { resources: containerResources(container), securityContext: { namespaceOptions: NAMESPACES } },
  });
}

/** Below the pod's log directory, as the kubelet names them. */
export function logPath(container: string, attempt: number): string {
  return `${container}/${attempt}.log`;
}

function podLabels(
  { metadata: { name } }: PodManifest,
  { namespace, uid }: PodIdentity,
): Record<string, string> {
  return {
    "io.kubernetes.pod.name": name,
    "io.kubernetes.pod.namespace": namespace,
    "io.kubernetes.pod.uid": uid,
  };
}

/** Linux holds 64 bytes; Kubernetes cuts at 63 and leaves no '-' or '.' at the end. */
function hostnameOf(name: string): string {
  return name.slice(0, 63).replace(/[-.]+$/, "");
}
