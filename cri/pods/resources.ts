// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LinuxContainerResourcesSchema } from "../../protocol/gen/cri_pb.ts";
import type { ManifestContainer } from "./manifest.ts";

type Resources = MessageInitShape<typeof LinuxContainerResourcesSchema>;

// As the kubelet converts (pkg/kubelet/cm/helpers_linux.go): the kernel's least share is 2, its period 100 ms.
const SHARES_PER_CPU = 1024;
const MIN_SHARES = 2;
const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;

/** Requests and limits of one container as CRI has them. */
export function containerResources({ resources: { requests, limits } }: ManifestContainer): Resources {
  return linuxResources(requests.cpu ?? limits.cpu ?? 0, limits.cpu ?? 0, limits.memory ?? 0);
}

/**
 * The sums over a pod, by which its VM is sized. A container without a limit gives the pod none; memory is the larger of
 * request and limit, since a VM cannot grow.
 */
export function podResources(containers: readonly ManifestContainer[]): Resources {
  const sum = (of: (container: ManifestContainer) => number) =>
    containers.reduce((total, one) => total + of(one), 0);
  const limited = containers.every(({ resources }) => resources.limits.cpu !== undefined);
  return linuxResources(
    sum(({ resources: { requests, limits } }) => requests.cpu ?? limits.cpu ?? 0),
    limited ? sum(({ resources }) => resources.limits.cpu!) : 0,
    sum(({ resources: { requests, limits } }) => limits.memory ?? requests.memory ?? 0),
  );
}

function linuxResources(requestedCpus: number, limitCpus: number, memoryBytes: number): Resources {
  return {
    cpuShares: BigInt(Math.max(MIN_SHARES, Math.floor(requestedCpus * SHARES_PER_CPU))),
    ...(limitCpus > 0
      ? {
        cpuPeriod: BigInt(PERIOD_US),
        cpuQuota: BigInt(Math.max(MIN_QUOTA_US, Math.floor(limitCpus * PERIOD_US))),
      }
      : {}),
    ...(memoryBytes > 0 ? { memoryLimitInBytes: BigInt(Math.ceil(memoryBytes)) } : {}),
  };
}
