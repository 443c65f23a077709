// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { StreamPodSandboxesRequest } from "../protocol/gen/cri_pb.ts";
import { Encoded } from "../protocol/grpc/encoded.ts";
import type { Node } from "./node.ts";
import { listedSandboxes } from "./sandbox_list.ts";
import { concatItems } from "./state/list_item.ts";

/** Items of one message. */
const STREAM_ITEMS = 500;

/** ListPodSandbox in pieces, for nodes with more sandboxes than fit into a message. */
export async function* streamPodSandboxes(
  node: Node,
  { filter }: StreamPodSandboxesRequest,
): AsyncGenerator<Encoded> {
  const listed = listedSandboxes(node, filter);
  for (let at = 0; at < listed.length; at += STREAM_ITEMS) {
    const items = listed.slice(at, at + STREAM_ITEMS).map((entry) => entry.listItem);
    yield new Encoded(concatItems(items));
  }
}
