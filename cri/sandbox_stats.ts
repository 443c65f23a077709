// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  ContainerState as CriState,
  type ListPodSandboxStatsRequest,
  type ListPodSandboxStatsResponse,
  ListPodSandboxStatsResponseSchema,
  PodSandboxState,
  type PodSandboxStats,
  type PodSandboxStatsFilter,
  type PodSandboxStatsRequest,
  type PodSandboxStatsResponse,
  PodSandboxStatsResponseSchema,
  type StreamPodSandboxStatsRequest,
  type StreamPodSandboxStatsResponse,
  StreamPodSandboxStatsResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { applyFilter } from "./filters.ts";
import type { Node } from "./node.ts";
import { requireSandbox } from "./sandbox_find.ts";
import { listedSandboxes } from "./sandbox_list.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";
import { sandboxStatsOf } from "./stats/usage.ts";

/**
 * Usage of one sandbox, from memory: the sum over its running containers.
 * @throws {NotFoundError}
 */
export function podSandboxStats(
  node: Node,
  { podSandboxId }: PodSandboxStatsRequest,
): PodSandboxStatsResponse {
  const stats = statsOf(node, requireSandbox(node, podSandboxId));
  return create(PodSandboxStatsResponseSchema, { stats });
}

/** Usage of all ready sandboxes that the filter lets through, from memory. */
export function listPodSandboxStats(
  node: Node,
  { filter }: ListPodSandboxStatsRequest,
): ListPodSandboxStatsResponse {
  return create(ListPodSandboxStatsResponseSchema, {
    stats: readySandboxes(node, filter).map((each) => statsOf(node, each)),
  });
}

/** The same in pieces: a sandbox's statistics hold those of its containers. */
export async function* streamPodSandboxStats(
  node: Node,
  { filter }: StreamPodSandboxStatsRequest,
): AsyncGenerator<StreamPodSandboxStatsResponse> {
  for (const each of readySandboxes(node, filter)) {
    yield create(StreamPodSandboxStatsResponseSchema, { podSandboxStats: [statsOf(node, each)] });
  }
}

function readySandboxes(node: Node, filter: PodSandboxStatsFilter | undefined): SandboxEntry[] {
  const ready = listedSandboxes(node, undefined).filter((entry) =>
    entry.criState === PodSandboxState.SANDBOX_READY
  );
  const items = ready.map((entry) => ({ entry, id: entry.id, labels: entry.config.labels }));
  return applyFilter(items, filter).map(({ entry }) => entry);
}

function statsOf(node: Node, sandbox: SandboxEntry): PodSandboxStats {
  const running = [...node.model.containersOf(sandbox.id)]
    .filter((entry) => entry.criState === CriState.CONTAINER_RUNNING);
  return sandboxStatsOf(sandbox, running, { mountpoint: node.config.stateDir, nowNs: node.clock.nowNs() });
}
