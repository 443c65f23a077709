// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  NamespaceMode,
  type PodSandboxConfig,
  type RunPodSandboxRequest,
  RunPodSandboxRequestSchema,
} from "../../protocol/gen/cri_pb.ts";

export interface PodRequestOptions {
  /** @default 0 */
  readonly attempt?: number;
  /** @default "" */
  readonly runtimeHandler?: string;
  /** Makes the configuration differ from the usual one. */
  readonly change?: (config: PodSandboxConfig) => void;
}

/** RunPodSandbox's request for the pod of this name, as a kubelet makes it. */
export function podRequest(name: string, options: PodRequestOptions = {}): RunPodSandboxRequest {
  const { attempt = 0, runtimeHandler = "", change } = options;
  const uid = `uid-of-${name}`;
  const request = create(RunPodSandboxRequestSchema, {
    runtimeHandler,
    config: {
      metadata: { name, namespace: "default", uid, attempt },
      hostname: name,
      logDirectory: `/var/log/pods/${name}`,
      dnsConfig: { servers: ["10.96.0.10"], searches: ["cluster.local"], options: ["ndots:5"] },
      portMappings: [{ containerPort: 80 }],
      labels: { "io.kubernetes.pod.uid": uid, app: name },
      annotations: { "example.org/note": "as it came" },
      linux: {
        cgroupParent: "/kubepods/burstable/pod1",
        overhead: {},
        resources: { cpuPeriod: 100_000n, cpuShares: 102n },
        securityContext: {
          namespaceOptions: {
            network: NamespaceMode.POD,
            pid: NamespaceMode.CONTAINER,
            ipc: NamespaceMode.POD,
            usernsOptions: { mode: NamespaceMode.NODE },
          },
          seccomp: {},
          supplementalGroups: [2000n],
        },
      },
    },
  });
  change?.(request.config!);
  return request;
}
