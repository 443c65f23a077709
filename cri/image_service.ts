// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { ImageService } from "../protocol/gen/cri_pb.ts";
import type { Handlers } from "../protocol/grpc/mod.ts";
import { imageFsInfo } from "./image_fs_info.ts";
import { listImages, streamImages } from "./image_list.ts";
import { pullImage } from "./image_pull.ts";
import { removeImage } from "./image_remove.ts";
import { imageStatus } from "./image_status.ts";
import type { Node } from "./node.ts";

/** runtime.v1.ImageService: each call and the function that answers it. */
export function imageService(node: Node): Handlers<typeof ImageService> {
  return {
    listImages: (request) => listImages(node, request),
    streamImages: (request) => streamImages(node, request),
    imageStatus: (request) => imageStatus(node, request),
    pullImage: (request) => pullImage(node, request),
    removeImage: (request) => removeImage(node, request),
    imageFsInfo: (request) => imageFsInfo(node, request),
  };
}
