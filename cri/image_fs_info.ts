// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  FilesystemIdentifierSchema,
  FilesystemUsageSchema,
  type ImageFsInfoRequest,
  type ImageFsInfoResponse,
  ImageFsInfoResponseSchema,
  UInt64ValueSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

/**
 * Where images are kept and how much they need. The kubelet looks up the file system of the mountpoint by itself, so
 * it is a directory that exists: the state directory. Nothing is used: the reserved image has no content.
 */
export function imageFsInfo(node: Node, _request: ImageFsInfoRequest): ImageFsInfoResponse {
  const imageFilesystem = create(FilesystemUsageSchema, {
    timestamp: node.clock.nowNs(),
    fsId: create(FilesystemIdentifierSchema, { mountpoint: node.config.stateDir }),
    usedBytes: create(UInt64ValueSchema, { value: 0n }),
    inodesUsed: create(UInt64ValueSchema, { value: 0n }),
  });
  return create(ImageFsInfoResponseSchema, { imageFilesystems: [imageFilesystem] });
}
