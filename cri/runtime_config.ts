// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import {
  CgroupDriver,
  LinuxRuntimeConfigurationSchema,
  type RuntimeConfigRequest,
  type RuntimeConfigResponse,
  RuntimeConfigResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

/** In which syntax the kubelet is to write `cgroup_parent`: as the configuration says. */
export function runtimeConfig(node: Node, _request: RuntimeConfigRequest): RuntimeConfigResponse {
  const cgroupDriver = node.config.cgroupDriver === "systemd" ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS;
  return create(RuntimeConfigResponseSchema, {
    linux: create(LinuxRuntimeConfigurationSchema, { cgroupDriver }),
  });
}
