// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  ContainerState as CriState,
  type ContainerStatsFilter,
  type ListContainerStatsRequest,
  type ListContainerStatsResponse,
  ListContainerStatsResponseSchema,
  type StreamContainerStatsRequest,
  type StreamContainerStatsResponse,
  StreamContainerStatsResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { listedContainers } from "./container_list.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import { containerStatsOf } from "./stats/usage.ts";

/** Items of one message of a streamed list. */
const STREAM_ITEMS = 200;

/** Usage of all running containers that the filter lets through, from memory. */
export function listContainerStats(
  node: Node,
  { filter }: ListContainerStatsRequest,
): ListContainerStatsResponse {
  const stats = running(node, filter).map((entry) => containerStatsOf(entry, node.config.stateDir));
  return create(ListContainerStatsResponseSchema, { stats });
}

/** The same in pieces. */
export async function* streamContainerStats(
  node: Node,
  { filter }: StreamContainerStatsRequest,
): AsyncGenerator<StreamContainerStatsResponse> {
  const entries = running(node, filter);
  for (let at = 0; at < entries.length; at += STREAM_ITEMS) {
    const containerStats = entries.slice(at, at + STREAM_ITEMS)
      .map((entry) => containerStatsOf(entry, node.config.stateDir));
    yield create(StreamContainerStatsResponseSchema, { containerStats });
  }
}

function running(node: Node, filter: ContainerStatsFilter | undefined): ContainerEntry[] {
  return listedContainers(node, filter).filter((entry) => entry.criState === CriState.CONTAINER_RUNNING);
}
