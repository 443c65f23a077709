// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  ContainerAttributesSchema,
  ContainerMetadataSchema,
  type ContainerStats,
  ContainerStatsSchema,
  CpuUsageSchema,
  FilesystemIdentifierSchema,
  FilesystemUsageSchema,
  LinuxPodSandboxStatsSchema,
  MemoryUsageSchema,
  PodSandboxAttributesSchema,
  PodSandboxMetadataSchema,
  type PodSandboxStats,
  PodSandboxStatsSchema,
  ProcessUsageSchema,
  UInt64ValueSchema,
} from "../../protocol/gen/cri_pb.ts";
import type { ContainerEntry } from "../state/container_entry.ts";
import type { SandboxEntry } from "../state/sandbox_entry.ts";

/**
 * A container's usage as its agent told it last. The kubelet dereferences attributes, cpu and memory: all are always
 * there. Before the first heartbeat after its start a container has used nothing since it started.
 *
 * @param mountpoint A directory of this node on the file system that the kubelet is to account writable layers to.
 */
export function containerStatsOf(entry: ContainerEntry, mountpoint: string): ContainerStats {
  const { id, facts, config, usage, agentState } = entry;
  const timestamp = usage?.time || agentState?.startedAt || facts.createdAtNs;
  return create(ContainerStatsSchema, {
    attributes: create(ContainerAttributesSchema, {
      id,
      metadata: create(ContainerMetadataSchema, { name: facts.name, attempt: facts.attempt }),
      labels: config.labels,
      annotations: config.annotations,
    }),
    cpu: cpu(timestamp, usage?.cpuNanoseconds ?? 0n),
    memory: memory(timestamp, usage?.memoryWorkingSetBytes ?? 0n, usage?.memoryRssBytes ?? 0n),
    writableLayer: create(FilesystemUsageSchema, {
      timestamp,
      fsId: create(FilesystemIdentifierSchema, { mountpoint }),
      usedBytes: uint64(usage?.writableBytes ?? 0n),
      inodesUsed: uint64(usage?.writableInodes ?? 0n),
    }),
  });
}

/** The sum over a sandbox's running containers. What the VM itself needs is not in it. */
export function sandboxStatsOf(
  { id, facts, config }: SandboxEntry,
  running: readonly ContainerEntry[],
  { mountpoint, nowNs }: { readonly mountpoint: string; readonly nowNs: bigint },
): PodSandboxStats {
  const { name, namespace, uid, attempt } = facts;
  const sum = (of: (entry: ContainerEntry) => bigint | undefined) =>
    running.reduce((total, entry) => total + (of(entry) ?? 0n), 0n);
  const timestamp =
    running.reduce((latest, { usage }) => usage && usage.time > latest ? usage.time : latest, 0n) || nowNs;
  return create(PodSandboxStatsSchema, {
    attributes: create(PodSandboxAttributesSchema, {
      id,
      metadata: create(PodSandboxMetadataSchema, { name, namespace, uid, attempt }),
      labels: config.labels,
      annotations: config.annotations,
    }),
    linux: create(LinuxPodSandboxStatsSchema, {
      cpu: cpu(timestamp, sum(({ usage }) => usage?.cpuNanoseconds)),
      memory: memory(
        timestamp,
        sum(({ usage }) => usage?.memoryWorkingSetBytes),
        sum(({ usage }) => usage?.memoryRssBytes),
      ),
      process: create(ProcessUsageSchema, {
        timestamp,
        processCount: uint64(sum(({ usage }) => BigInt(usage?.processes ?? 0))),
      }),
      containers: running.map((entry) => containerStatsOf(entry, mountpoint)),
    }),
  });
}

function cpu(timestamp: bigint, usageCoreNanoSeconds: bigint) {
  return create(CpuUsageSchema, { timestamp, usageCoreNanoSeconds: uint64(usageCoreNanoSeconds) });
}

function memory(timestamp: bigint, workingSetBytes: bigint, rssBytes: bigint) {
  return create(MemoryUsageSchema, {
    timestamp,
    workingSetBytes: uint64(workingSetBytes),
    rssBytes: uint64(rssBytes),
  });
}

function uint64(value: bigint) {
  return create(UInt64ValueSchema, { value });
}
