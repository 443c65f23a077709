// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type RemoveImageRequest,
  type RemoveImageResponse,
  RemoveImageResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

/** Removes an image with all its names, also a pinned one. Idempotent; an unknown image is no error. */
export function removeImage(node: Node, { image }: RemoveImageRequest): RemoveImageResponse {
  node.containers.images.remove(image?.image ?? "");
  return create(RemoveImageResponseSchema);
}
