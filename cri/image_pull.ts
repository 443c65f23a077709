// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { NotFoundError } from "../lib/errors.ts";
import {
  type PullImageRequest,
  type PullImageResponse,
  PullImageResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { RESERVED_IMAGE } from "./images/reserved.ts";
import type { Node } from "./node.ts";

/**
 * Makes an image be on this node and answers its id. Credentials are not looked at: nothing is fetched.
 * @throws {NotFoundError} for every image but the reserved one
 */
export function pullImage(node: Node, { image }: PullImageRequest): PullImageResponse {
  const name = image?.image ?? "";
  const imageRef = node.containers.images.pull(name);
  if (imageRef === undefined) {
    throw new NotFoundError(
      `Image '${name}' cannot be pulled: engine 'exec' runs commands of the VM's own file system, its only image is ${RESERVED_IMAGE}`,
    );
  }
  return create(PullImageResponseSchema, { imageRef });
}
