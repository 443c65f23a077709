// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { VERSION } from "../lib/version.ts";
import { type VersionRequest, type VersionResponse, VersionResponseSchema } from "../protocol/gen/cri_pb.ts";

/** Of the kubelet's runtime API. It exits if it gets another one. */
const KUBELET_API_VERSION = "0.1.0";
/** Becomes the scheme of every container id in pod.status: it never changes. */
const RUNTIME_NAME = "infranetes";

export function version(_request: VersionRequest): VersionResponse {
  return create(VersionResponseSchema, {
    version: KUBELET_API_VERSION,
    runtimeName: RUNTIME_NAME,
    runtimeVersion: VERSION,
    runtimeApiVersion: "v1",
  });
}
