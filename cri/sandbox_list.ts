// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { ListPodSandboxRequest } from "../protocol/gen/cri_pb.ts";
import { Encoded } from "../protocol/grpc/encoded.ts";
import { applyFilter, type Filterable } from "./filters.ts";
import type { Node } from "./node.ts";
import { concatItems } from "./state/list_item.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";

/** Answers `runtime.v1.ListPodSandboxResponse` from memory: entries are encoded already, no VM is asked. */
export function listPodSandbox(node: Node, { filter }: ListPodSandboxRequest): Encoded {
  return new Encoded(concatItems(listedSandboxes(node, filter).map((entry) => entry.listItem)));
}

/** The sandboxes that CRI lists show, filtered. */
export function listedSandboxes(node: Node, filter: ListPodSandboxRequest["filter"]): SandboxEntry[] {
  const listed = [...node.model.sandboxes()].filter((entry) => entry.listed);
  if (!filter) return listed;
  return applyFilter(listed.map(filterable), filter).map(({ entry }) => entry);
}

function filterable(entry: SandboxEntry): Filterable & { readonly entry: SandboxEntry } {
  return { entry, id: entry.id, state: entry.criState, labels: entry.config.labels };
}
