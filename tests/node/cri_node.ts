// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { CertificateAuthority } from "../../cri/agents/authority.ts";
import { AgentRegistry } from "../../cri/agents/registry.ts";
import { configSchema } from "../../cri/config/schema.ts";
import { imageService } from "../../cri/image_service.ts";
import { createNode, type Node } from "../../cri/node.ts";
import { recover } from "../../cri/recovery.ts";
import { runtimeService } from "../../cri/runtime_service.ts";
import { serveCri } from "../../cri/server/cri_server.ts";
import { openFactStore } from "../../cri/state/store.ts";
import { systemClock } from "../../lib/clock.ts";
import { randomIds } from "../../lib/ids.ts";
import { ImageService, RuntimeService } from "../../protocol/gen/cri_pb.ts";
import { type ClientMethods, GrpcClient } from "../../protocol/grpc/mod.ts";
import { FakeCloud, FakeProvider, type FakeVm } from "../../providers/fake/mod.ts";

/** CRI as a kubelet sees it: both services on a unix socket, over a node in this process whose cloud is fake. */
export class CriNode implements AsyncDisposable {
  readonly folder: string;
  readonly cloud = new FakeCloud({ clock: systemClock });
  readonly runtime: ClientMethods<typeof RuntimeService>;
  readonly images: ClientMethods<typeof ImageService>;
  node!: Node;
  readonly #authority: CertificateAuthority;
  readonly #client: GrpcClient;
  #process = new AbortController();
  #stack = new AsyncDisposableStack();

  private constructor(folder: string, authority: CertificateAuthority) {
    this.folder = folder;
    this.#authority = authority;
    this.#client = new GrpcClient(`unix:${join(folder, "cri.sock")}`);
    this.runtime = this.#client.service(RuntimeService);
    this.images = this.#client.service(ImageService);
  }

  static async open(): Promise<CriNode> {
    const folder = await Deno.makeTempDir({ prefix: "infranetes-cri-" });
    const authority = await CertificateAuthority.open(join(folder, "authority"), { clock: systemClock });
    const node = new CriNode(folder, authority);
    await node.#begin();
    return node;
  }

  /** Ends the node and begins another over the same facts and the same cloud. Clients reconnect by themselves. */
  async restart(): Promise<void> {
    await this.#end();
    await this.#begin();
  }

  vmOf(sandboxId: string): FakeVm {
    return this.cloud.vm(this.node.model.sandbox(sandboxId)!.facts.vmId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#end();
    for (const vm of this.cloud.vms) this.cloud.delete(vm);
    await Deno.remove(this.folder, { recursive: true });
  }

  async #begin(): Promise<void> {
    this.#process = new AbortController();
    const stack = this.#stack = new AsyncDisposableStack();
    const config = configSchema.parse({
      cluster: "test",
      node: "n1",
      stateDir: this.folder,
      socket: { path: join(this.folder, "cri.sock") },
      providers: { fake: { kind: "fake" } },
      profiles: { default: { provider: "fake" } },
      defaultProfile: "default",
      cgroupDriver: "cgroupfs",
    });
    const store = stack.use(openFactStore(join(this.folder, "facts.sqlite")));
    const agents = new AgentRegistry({
      store,
      authority: this.#authority,
      clock: systemClock,
      nodeVersion: "test",
      heartbeatMs: config.timeouts.heartbeat,
      orphanTimeoutMs: 0,
    });
    const { cloud } = this;
    const provider = new FakeProvider({ name: "fake", cluster: "test", node: "n1", cloud });
    const node = this.node = createNode({
      clock: systemClock,
      ids: randomIds,
      config,
      store,
      agents,
      providers: new Map([["fake", provider]]),
      signal: this.#process.signal,
      userData: ({ vmId }) => JSON.stringify({ vmId }),
    });
    stack.defer(() => node.tasks.settled());
    stack.defer(() => {
      this.#process.abort(new DOMException("The node ends", "AbortError"));
      agents.close();
    });
    const services = { runtime: runtimeService(node), image: imageService(node) };
    stack.use(await serveCri({ socket: config.socket, clock: systemClock, graceMs: 0, ...services }));
    recover(node);
  }

  async #end(): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Resolves when the model has changed so that the condition holds. */
export async function until(node: Node, condition: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => condition() && resolve();
  using _subscription = node.model.subscribe(look);
  look();
  await promise;
}
