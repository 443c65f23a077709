// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  type ImageStatusRequest,
  type ImageStatusResponse,
  ImageStatusResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

/** The image that a name or id stands for. An unknown one is no error: the answer has no image. */
export function imageStatus(node: Node, { image, verbose }: ImageStatusRequest): ImageStatusResponse {
  const found = node.containers.images.find(image?.image ?? "");
  const info = verbose && found ? { info: JSON.stringify({ engine: "exec", reserved: true }) } : {};
  return create(ImageStatusResponseSchema, { ...(found && { image: found }), info });
}
