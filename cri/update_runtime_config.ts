// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isIP } from "node:net";
import { create } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { InvalidArgumentError } from "../lib/errors.ts";
import {
  type UpdateRuntimeConfigRequest,
  type UpdateRuntimeConfigResponse,
  UpdateRuntimeConfigResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";

const logger = getLogger(["infranetes", "network"]);

/** The fact's key. The kubelet does not repeat the call after a restart of ours. */
export const POD_CIDR = "pod_cidr";

/**
 * Records the node's pod CIDRs (one of each family, separated by a comma), for providers that give pods addresses out
 * of them. An empty one changes nothing.
 *
 * @throws {InvalidArgumentError} if it is none
 */
export function updateRuntimeConfig(
  node: Node,
  request: UpdateRuntimeConfigRequest,
): UpdateRuntimeConfigResponse {
  const podCidr = request.runtimeConfig?.networkConfig?.podCidr ?? "";
  if (podCidr !== "") {
    const cidrs = podCidr.split(",").map((each) => each.trim());
    for (const each of cidrs) checkCidr(each);
    const text = cidrs.join(",");
    if (node.store.settings.get(POD_CIDR) !== text) {
      node.store.settings.set(POD_CIDR, text);
      logger.info("Pod CIDR is {podCidr}", { podCidr: text });
    }
  }
  return create(UpdateRuntimeConfigResponseSchema);
}

function checkCidr(text: string): void {
  const [, address = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!;
  if (Number(length) > bits || length === "") {
    throw new InvalidArgumentError(
      `Pod CIDR '${text}' must be an address and a prefix length, as in 10.244.3.0/24`,
    );
  }
}
