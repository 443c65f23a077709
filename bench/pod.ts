// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerConfigSchema, PodSandboxConfigSchema } from "../protocol/gen/cri_pb.ts";
import type { Runtime } from "./node.ts";

export interface BenchPod {
  readonly podSandboxId: string;
  readonly containerId: string;
}

export interface PodOptions {
  /** @default runs until it is stopped */
  readonly command?: readonly string[];
  /** Folder of the pod's logs. @default none, so that no log is kept */
  readonly logDirectory?: string;
}

const encoder = new TextEncoder();

/** What a kubelet 1.36 sends for a small pod: as many labels and annotations, of the same length. */
export function sandboxConfig(index: number, { logDirectory = "" }: PodOptions = {}) {
  const name = `bench-${index}`;
  const uid = `5f429548-b41c-4cab-9f05-${index.toString().padStart(12, "0")}`;
  return {
    metadata: { name, uid, namespace: "default", attempt: 0 },
    hostname: name,
    logDirectory,
    dnsConfig: {
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      options: ["ndots:5"],
    },
    labels: podLabels(name, uid),
    annotations: {
      "kubernetes.io/config.source": "api",
      "kubernetes.io/config.seen": "2026-11-21T07:10:17.110219240Z",
    },
    linux: {
      securityContext: { namespaceOptions: { pid: 1 } },
      resources: { cpuPeriod: 100_000n, cpuShares: 2n },
    },
  } satisfies MessageInitShape<typeof PodSandboxConfigSchema>;
}

function podLabels(name: string, uid: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": "bench",
    "io.kubernetes.pod.name": name,
    "io.kubernetes.pod.namespace": "default",
    "io.kubernetes.pod.uid": uid,
  };
}

const SERVICE_ENVIRONMENT: Readonly<Record<string, string>> = {
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
  KUBERNETES_SERVICE_PORT: "443",
  KUBERNETES_SERVICE_PORT_HTTPS: "443",
  KUBERNETES_PORT: "tcp://10.96.0.1:443",
  KUBERNETES_PORT_443_TCP: "tcp://10.96.0.1:443",
  KUBERNETES_PORT_443_TCP_PROTO: "tcp",
  KUBERNETES_PORT_443_TCP_PORT: "443",
  KUBERNETES_PORT_443_TCP_ADDR: "10.96.0.1",
};

function containerConfig(sandbox: ReturnType<typeof sandboxConfig>, options: PodOptions) {
  const { metadata: { name, uid } } = sandbox;
  return {
    metadata: { name: "main", attempt: 0 },
    image: { image: "infranetes.io/exec" },
    command: [...options.command ?? ["/bin/sh", "-c", "exec sleep 1000000"]],
    envs: Object.entries(SERVICE_ENVIRONMENT).map(([key, value]) => ({ key, value: encoder.encode(value) })),
    labels: { "io.kubernetes.container.name": "main", ...podLabels(name, uid) },
    annotations: {
      "io.kubernetes.container.hash": "9c2b8d8f",
      "io.kubernetes.container.restartCount": "0",
      "io.kubernetes.container.terminationMessagePath": "/dev/termination-log",
      "io.kubernetes.container.terminationMessagePolicy": "File",
      "io.kubernetes.pod.terminationGracePeriod": "30",
    },
    logPath: options.logDirectory === undefined ? "" : "main.log",
  } satisfies MessageInitShape<typeof ContainerConfigSchema>;
}

/** Starts a sandbox with one running container, as a kubelet does. */
export async function startPod(runtime: Runtime, index: number, options: PodOptions = {}): Promise<BenchPod> {
  const config = sandboxConfig(index, options);
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const container = containerConfig(config, options);
  const { containerId } = await runtime.createContainer({
    podSandboxId,
    config: container,
    sandboxConfig: config,
  });
  await runtime.startContainer({ containerId });
  return { podSandboxId, containerId };
}

/** Stops and removes all of it, in the kubelet's order. */
export async function endPod(runtime: Runtime, { podSandboxId, containerId }: BenchPod): Promise<void> {
  await runtime.stopContainer({ containerId, timeout: 1n });
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removeContainer({ containerId });
  await runtime.removePodSandbox({ podSandboxId });
}

/** Starts pods 0 to `count - 1`, some at a time. */
export async function startPods(
  runtime: Runtime,
  count: number,
  options: PodOptions = {},
): Promise<BenchPod[]> {
  const pods: BenchPod[] = new Array(count);
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      pods[index] = await startPod(runtime, index, options);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return pods;
}
