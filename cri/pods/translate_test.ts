// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { toJson } from "@bufbuild/protobuf";
import { ContainerConfigSchema, PodSandboxConfigSchema } from "../../protocol/gen/cri_pb.ts";
import { parseManifest } from "./parse_manifest.ts";
import { containerConfig, MANIFEST_ANNOTATION, sandboxConfig } from "./translate.ts";

const GIVEN = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "hello", labels: { app: "hello" }, annotations: { note: "x" } },
  spec: {
    terminationGracePeriodSeconds: 3,
    containers: [{
      name: "main",
      image: "infranetes.io/exec:latest",
      command: ["sh", "-c"],
      args: ["echo $(WHO)"],
      workingDir: "/tmp",
      env: [{ name: "WHO", value: "world" }],
      ports: [{ containerPort: 53, protocol: "UDP" }],
      resources: { requests: { cpu: "500m", memory: "64Mi" }, limits: { cpu: "1", memory: "128Mi" } },
    }, {
      name: "side",
      image: "infranetes.io/exec:latest",
      resources: { requests: { memory: "32Mi" } },
    }],
  },
};
const POD = { given: GIVEN, uid: "u-1", namespace: "ns", logDirectory: "/logs/ns_hello_u-1" };

Deno.test("sandboxConfig() asks for a sandbox as a kubelet would, and keeps the manifest in it", () => {
  const config = sandboxConfig(parseManifest(GIVEN), POD);
  assert.deepEqual(toJson(PodSandboxConfigSchema, config), {
    metadata: { name: "hello", uid: "u-1", namespace: "ns" },
    hostname: "hello",
    logDirectory: "/logs/ns_hello_u-1",
    portMappings: [{ protocol: "UDP", containerPort: 53 }],
    labels: {
      app: "hello",
      "io.kubernetes.pod.name": "hello",
      "io.kubernetes.pod.namespace": "ns",
      "io.kubernetes.pod.uid": "u-1",
    },
    annotations: { note: "x", [MANIFEST_ANNOTATION]: JSON.stringify(GIVEN) },
    linux: {
      securityContext: { namespaceOptions: { pid: "CONTAINER" } },
      // One container has no CPU limit, so the pod has none; memory is limit or request of each.
      resources: { cpuShares: "512", memoryLimitInBytes: String((128 + 32) * 2 ** 20) },
    },
  });
});

Deno.test("containerConfig() asks for a container as a kubelet would, with references replaced", () => {
  const manifest = parseManifest(GIVEN);
  const run = {
    attempt: 2,
    imageId: "sha256:1",
    restartDelayMs: 10_000,
    terminationMessageFile: "/pods/main-2",
  };
  const config = containerConfig(manifest, manifest.spec.containers[0]!, POD, run);
  assert.deepEqual(toJson(ContainerConfigSchema, config), {
    metadata: { name: "main", attempt: 2 },
    image: { image: "sha256:1", userSpecifiedImage: "infranetes.io/exec:latest" },
    command: ["sh", "-c"],
    args: ["echo world"],
    workingDir: "/tmp",
    envs: [{ key: "WHO", value: btoa("world") }],
    mounts: [{ containerPath: "/dev/termination-log", hostPath: "/pods/main-2" }],
    labels: {
      "io.kubernetes.pod.name": "hello",
      "io.kubernetes.pod.namespace": "ns",
      "io.kubernetes.pod.uid": "u-1",
      "io.kubernetes.container.name": "main",
    },
    annotations: {
      "io.kubernetes.container.restartCount": "2",
      "io.kubernetes.container.terminationMessagePath": "/dev/termination-log",
      "io.kubernetes.container.terminationMessagePolicy": "File",
      "io.kubernetes.pod.terminationGracePeriod": "3",
      "infranetes.io/restart-delay-ms": "10000",
    },
    logPath: "main/2.log",
    linux: {
      resources: {
        cpuPeriod: "100000",
        cpuQuota: "100000",
        cpuShares: "512",
        memoryLimitInBytes: "134217728",
      },
      securityContext: { namespaceOptions: { pid: "CONTAINER" } },
    },
  });
});
