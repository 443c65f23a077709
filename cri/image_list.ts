// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type Image,
  type ImageFilter,
  type ListImagesRequest,
  type ListImagesResponse,
  ListImagesResponseSchema,
  type StreamImagesRequest,
  type StreamImagesResponse,
  StreamImagesResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

/** The images of this node, or the one that the filter names. */
export function listImages(node: Node, { filter }: ListImagesRequest): ListImagesResponse {
  return create(ListImagesResponseSchema, { images: images(node, filter) });
}

/** The same as a stream: of no message if there is no image. */
export async function* streamImages(
  node: Node,
  { filter }: StreamImagesRequest,
): AsyncGenerator<StreamImagesResponse> {
  const found = images(node, filter);
  if (found.length > 0) yield create(StreamImagesResponseSchema, { images: found });
}

function images(node: Node, filter: ImageFilter | undefined): Image[] {
  const name = filter?.image?.image;
  if (!name) return node.containers.images.list();
  const found = node.containers.images.find(name);
  return found ? [found] : [];
}
