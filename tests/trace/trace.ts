// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { type DescMethod, fromJson, type JsonValue, type Message } from "@bufbuild/protobuf";
import { ImageService, RuntimeService } from "../../protocol/gen/cri_pb.ts";

/** One recorded call. */
export interface TracedCall {
  readonly method: DescMethod;
  readonly request: Message;
}

interface TraceLine {
  readonly m: string;
  readonly r: JsonValue;
}

/** Where the recording's paths lie in this test. */
export interface Places {
  readonly kubelet: string;
  readonly podLogs: string;
  readonly imageId: string;
  readonly imageName: string;
}

const UNARY_METHODS = new Map<string, DescMethod>(
  [...RuntimeService.methods, ...ImageService.methods]
    .filter(({ methodKind }) => methodKind === "unary").map((method) => [method.name, method]),
);

const RECORDED_IMAGE_ID_REGEXP = /sha256:a{64}/g;
const RECORDED_ID_REGEXP = /^0{48}[0-9a-f]{16}$/;

/** Method and request of each line; lines that are not gRPC calls (streaming upgrades) are left out. */
export function parseTrace(text: string, places: Places): TracedCall[] {
  const moved = text
    .replaceAll("/var/lib/kubelet", places.kubelet)
    .replaceAll("/var/log/pods", places.podLogs)
    .replaceAll(RECORDED_IMAGE_ID_REGEXP, places.imageId)
    .replaceAll("example.test/app:1", places.imageName);
  return moved.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as TraceLine)
    .filter(({ m }) => !m.startsWith("HTTP-UPGRADE"))
    .map(({ m, r }) => {
      const method = UNARY_METHODS.get(m);
      if (method === undefined) {
        throw new Error(`The trace names ${m}, which is no unary method of CRI`);
      }
      return { method, request: fromJson(method.input, buffersToBase64(r)) };
    });
}

/** `{type: "Buffer", data: [98]}`, as Node writes bytes, to proto JSON's base64. */
function buffersToBase64(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(buffersToBase64);
  if (value === null || typeof value !== "object") return value;
  if (value.type === "Buffer" && Array.isArray(value.data)) {
    return btoa(String.fromCharCode(...(value.data as number[])));
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, buffersToBase64(inner!)]));
}

/**
 * The recording's runtime numbered what it made: the first sandbox or container was …0001, the next …0002. Replaces
 * those ids by the ones that the runtime under test gave, in the same order.
 */
export function replaceIds(message: Message, made: readonly string[]): void {
  for (const [key, value] of Object.entries(message)) {
    if (typeof value === "string" && RECORDED_ID_REGEXP.test(value)) {
      const id = made[parseInt(value, 16) - 1];
      if (id !== undefined) (message as unknown as Record<string, unknown>)[key] = id;
    } else if (value !== null && typeof value === "object" && "$typeName" in value) {
      replaceIds(value as Message, made);
    }
  }
}

/** Every host path that a recorded mount names. */
export function hostPaths(calls: readonly TracedCall[]): string[] {
  return calls.flatMap(({ request }) => {
    const mounts = (request as { config?: { mounts?: { hostPath: string }[] } }).config?.mounts ?? [];
    return mounts.map(({ hostPath }) => hostPath);
  });
}
