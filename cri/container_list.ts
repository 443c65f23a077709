// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type {
  ContainerFilter,
  ListContainersRequest,
  StreamContainersRequest,
} from "../protocol/gen/cri_pb.ts";
import { Encoded } from "../protocol/grpc/encoded.ts";
import { applyFilter, type Filterable, type ListFilter } from "./filters.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import { concatItems } from "./state/list_item.ts";

/** Items of one message of a streamed list. */
const STREAM_ITEMS = 500;

/** Answers `runtime.v1.ListContainersResponse` from memory: entries are encoded already, no VM is asked. */
export function listContainers(node: Node, { filter }: ListContainersRequest): Encoded {
  return encoded(listedContainers(node, filter));
}

/** The same in pieces, for nodes with more containers than fit into a message. */
export async function* streamContainers(
  node: Node,
  { filter }: StreamContainersRequest,
): AsyncGenerator<Encoded> {
  const listed = listedContainers(node, filter);
  for (let at = 0; at < listed.length; at += STREAM_ITEMS) yield encoded(listed.slice(at, at + STREAM_ITEMS));
}

/** The containers that CRI lists show, filtered. */
export function listedContainers(
  node: Node,
  filter: ContainerFilter | ListFilter | undefined,
): ContainerEntry[] {
  const listed = [...node.model.containers()].filter((entry) => entry.listed);
  if (!filter) return listed;
  const sandboxIds = [...node.model.sandboxes()].map((entry) => entry.id);
  return applyFilter(listed.map(filterable), filter, sandboxIds).map(({ entry }) => entry);
}

function encoded(entries: readonly ContainerEntry[]): Encoded {
  return new Encoded(concatItems(entries.map((entry) => entry.listItem)));
}

function filterable(entry: ContainerEntry): Filterable & { readonly entry: ContainerEntry } {
  return {
    entry,
    id: entry.id,
    podSandboxId: entry.sandbox.id,
    state: entry.criState,
    labels: entry.config.labels,
  };
}
