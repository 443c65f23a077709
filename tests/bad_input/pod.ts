// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  type ContainerConfigSchema,
  ImageService,
  type PodSandboxConfig,
  type PodSandboxConfigSchema,
  RuntimeService,
} from "../../protocol/gen/cri_pb.ts";
import { type ClientMethods, GrpcClient } from "../../protocol/grpc/mod.ts";
import type { TestNode } from "../node_config.ts";

type SandboxPatch = Exclude<MessageInitShape<typeof PodSandboxConfigSchema>, PodSandboxConfig>;
type ContainerPatch = Exclude<MessageInitShape<typeof ContainerConfigSchema>, ContainerConfig>;

/** Both services over one connection. */
export class Cri implements Disposable {
  readonly runtime: ClientMethods<typeof RuntimeService>;
  readonly images: ClientMethods<typeof ImageService>;
  readonly #client: GrpcClient;

  constructor(node: TestNode, options: { readonly maxMessageBytes?: number } = {}) {
    this.#client = new GrpcClient(`unix:${node.socket}`, options);
    this.runtime = this.#client.service(RuntimeService);
    this.images = this.#client.service(ImageService);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** A sandbox as a kubelet asks for it. `patch` replaces fields. */
export function sandboxConfig(node: TestNode, name: string, patch: SandboxPatch = {}) {
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
    hostname: name,
    logDirectory: join(node.work, "logs", name),
    linux: { securityContext: { namespaceOptions: { pid: 1 } } },
    ...patch,
  };
}

/** A container that runs until it is stopped. `patch` replaces fields. */
export function containerConfig(name: string, patch: ContainerPatch = {}) {
  return {
    metadata: { name, attempt: 0 },
    image: { image: "infranetes.io/exec" },
    command: ["sleep", "1000"],
    logPath: `${name}.log`,
    ...patch,
  };
}
