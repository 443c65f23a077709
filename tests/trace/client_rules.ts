// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";

/** Loosely typed, because a rule looks at one answer of many kinds. */
// deno-lint-ignore no-explicit-any
type Answer = any;

/**
 * What the kubelet's CRI client checks in an answer that is otherwise OK, and turns into an error if it does not hold
 * (k8s.io/cri-client 0.36); and what makes a kubelet panic.
 */
export const CLIENT_RULES: Readonly<Record<string, (answer: Answer) => void>> = {
  Version(answer) {
    assert.equal(answer.version, "0.1.0");
    assert.ok(answer.runtimeName && answer.runtimeVersion && answer.runtimeApiVersion);
  },
  RunPodSandbox: (answer) => assert.ok(answer.podSandboxId),
  CreateContainer: (answer) => assert.ok(answer.containerId),
  PodSandboxStatus({ status }) {
    assert.ok(status.id && status.metadata.name && status.metadata.uid && status.metadata.namespace);
    assert.notEqual(status.createdAt, 0n);
    if (status.state === 0) {
      assert.ok(status.network.ip, "a READY sandbox without an IP is made anew for ever");
    }
    assert.ok(
      status.linux.namespaces.options,
      "the kubelet compares the network namespace with what it wants",
    );
  },
  ContainerStatus({ status }) {
    assert.ok(status.id && status.metadata.name && status.image.image && status.imageRef);
    assert.notEqual(status.createdAt, 0n);
    assert.match(status.logPath, /^\//);
  },
  Status: ({ status, runtimeHandlers }) => {
    assert.ok(status.conditions.length >= 2);
    assert.ok(runtimeHandlers.some((handler: Answer) => handler.name === ""));
  },
  ImageStatus({ image }) {
    if (image !== undefined) assert.ok(image.id && image.size !== 0n);
  },
  PullImage: (answer) => assert.ok(answer.imageRef),
  ImageFsInfo({ imageFilesystems }) {
    assert.ok(imageFilesystems.length >= 1);
    for (const usage of imageFilesystems) assert.ok(usage.usedBytes, "the kubelet dereferences used_bytes");
  },
  ListContainerStats({ stats }) {
    for (const entry of stats) assert.ok(entry.attributes?.id, "nil attributes panic the kubelet");
  },
};
