// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../lib/errors.ts";
import type { LinuxContainerResources, PodSandboxConfig } from "../protocol/gen/cri_pb.ts";
import type { Profile } from "./config/schema.ts";

export type VmSize = Profile["sizes"][number];

/** CPU shares of one CPU, as Kubernetes converts requests. */
const SHARES_PER_CPU = 1024;

/**
 * The first size of the profile that holds the pod: its limits, its CPU request where it has no limit, and the
 * overhead of its RuntimeClass. A pod that asks for nothing gets the smallest.
 *
 * @throws {InvalidArgumentError} if it fits into none
 */
export function chooseSize(profileName: string, profile: Profile, config: PodSandboxConfig): VmSize {
  const parts = [config.linux?.resources, config.linux?.overhead];
  const cpus = sum(parts.map(cpusOf));
  const memoryBytes = sum(parts.map((part) => Number(part?.memoryLimitInBytes ?? 0n)));
  const size = profile.sizes.find((each) => each.cpus >= cpus && each.memoryBytes >= memoryBytes);
  if (size) return size;
  const largest = profile.sizes.at(-1)!;
  throw new InvalidArgumentError(
    `Pod needs ${cpus} CPUs and ${memoryBytes} bytes of memory, the largest size of profile '${profileName}' has ` +
      `${largest.cpus} and ${largest.memoryBytes}: lower its resources or add a size`,
  );
}

function cpusOf(resources: LinuxContainerResources | undefined): number {
  if (!resources) return 0;
  const { cpuQuota, cpuPeriod, cpuShares } = resources;
  if (cpuQuota > 0n && cpuPeriod > 0n) return Number(cpuQuota) / Number(cpuPeriod);
  return Number(cpuShares) / SHARES_PER_CPU;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
