// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, toBinary } from "@bufbuild/protobuf";
import type { ContainerState } from "../../protocol/gen/agent_pb.ts";
import { ContainerConfigSchema, type RunPodSandboxRequest } from "../../protocol/gen/cri_pb.ts";
import { FakeCloud, FakeProvider, type FakeVm } from "../../providers/fake/mod.ts";
import type { PodProvider } from "../../providers/provider.ts";
import { CertificateAuthority } from "../agents/authority.ts";
import { AgentRegistry } from "../agents/registry.ts";
import { configSchema, type NodeConfig } from "../config/schema.ts";
import { createNode, type Node } from "../node.ts";
import { recover } from "../recovery.ts";
import type { RpcContext } from "../rpc_context.ts";
import { runPodSandbox } from "../sandbox_run.ts";
import { openFactStore } from "../state/store.ts";
import { foldState } from "../watch/fold.ts";
import { AutoClock, idle } from "./auto_clock.ts";
import { podRequest } from "./pod_request.ts";
import { sequentialIds } from "./sequential_ids.ts";

export interface HarnessOptions {
  readonly afterFact?: (fact: string) => void;
  /** Called before each fact is written, also before the single changes within one. It may throw: the disk is full. */
  readonly ontransaction?: (fact: string, options?: { readonly durable?: boolean }) => void;
  readonly timeouts?: Partial<NodeConfig["timeouts"]>;
  readonly garbage?: Partial<NodeConfig["garbage"]>;
  /** Around the fake provider, to make it behave otherwise. */
  readonly wrap?: (provider: FakeProvider) => PodProvider;
}

/** A node over the fake cloud, with everything in memory but its fact file, and time at the test's command. */
export class NodeHarness implements AsyncDisposable {
  readonly clock = new AutoClock();
  readonly cloud = new FakeCloud({ clock: this.clock, random: () => 0 });
  readonly directory: string;
  node!: Node;
  agents!: AgentRegistry;
  readonly #ids = sequentialIds();
  readonly #authority: CertificateAuthority;
  #options: HarnessOptions;
  #process = new AbortController();

  private constructor(directory: string, authority: CertificateAuthority, options: HarnessOptions) {
    this.directory = directory;
    this.#authority = authority;
    this.#options = options;
    this.#begin();
  }

  static async open(options: HarnessOptions = {}): Promise<NodeHarness> {
    const directory = await Deno.makeTempDir({ prefix: "infranetes-node-" });
    const authority = await CertificateAuthority.open(`${directory}/authority`, { clock: new AutoClock() });
    return new NodeHarness(directory, authority, options);
  }

  get factFile(): string {
    return `${this.directory}/facts.sqlite`;
  }

  /** Lets time pass until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.run(promise);
  }

  /** A call of a client that waits as long as need be. */
  context(signal: AbortSignal = new AbortController().signal): RpcContext {
    return { signal, deadline: undefined };
  }

  /** RunPodSandbox; answers the sandbox's id. */
  async start(request: RunPodSandboxRequest = podRequest("web"), ctx = this.context()): Promise<string> {
    return (await runPodSandbox(this.node, request, ctx)).podSandboxId;
  }

  /** {@linkcode start} with time passing. */
  startNow(request?: RunPodSandboxRequest): Promise<string> {
    return this.run(this.start(request));
  }

  /** The VM of a sandbox, with its hooks. */
  vmOf(sandboxId: string): FakeVm {
    return this.cloud.vm(this.node.model.sandbox(sandboxId)!.facts.vmId);
  }

  /** A container made on the agent and recorded, as CreateContainer and StartContainer do it. */
  async addContainer(sandboxId: string, name: string, { running = true } = {}): Promise<string> {
    const id = this.#ids.id();
    const config = toBinary(
      ContainerConfigSchema,
      create(ContainerConfigSchema, { metadata: { name }, labels: { name }, image: { image: "img" } }),
    );
    this.node.store.containers.insert({
      id,
      sandboxId,
      name,
      attempt: 0,
      config,
      configDigest: name,
      imageId: "sha256:1",
      createdAtNs: this.clock.nowNs(),
      createdOnAgentAt: this.clock.now(),
      startIntentAt: running ? this.clock.now() : null,
      lastState: null,
      stopIntentAt: null,
      removeIntentAt: null,
      logBase: 0,
      logDevice: null,
      logInode: null,
      warnings: [],
    }, "container intent");
    const { containers } = this.node.agents.get(this.node.model.sandbox(sandboxId)!.facts.vmId)!;
    await this.#fold(id, (await containers.create({ sandboxId, containerId: id, config })).state);
    if (running) await this.#fold(id, (await containers.start({ containerId: id })).state);
    return id;
  }

  /** Ends the node process, cleanly or as if it was killed: nothing that it had begun is finished or taken back. */
  async stop(): Promise<void> {
    this.#process.abort(new Error("The node process ends"));
    this.agents.close();
    await this.run(this.node.tasks.settled());
    await idle();
    this.node.store[Symbol.dispose]();
  }

  /** Another process over the same fact file and the same cloud. */
  restart(options: HarnessOptions = this.#options): void {
    this.#options = options;
    this.#process = new AbortController();
    this.#begin();
    recover(this.node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.signal.aborted) await this.stop();
    for (const vm of this.cloud.vms) this.cloud.delete(vm);
    await idle();
    await Deno.remove(this.directory, { recursive: true });
  }

  #begin(): void {
    const { afterFact = () => {}, timeouts = {}, garbage = {}, wrap = (each) => each } = this.#options;
    const defaults = configSchema.parse({
      cluster: "test",
      node: "n1",
      providers: { fake: { kind: "fake" } },
      profiles: { default: { provider: "fake" } },
      defaultProfile: "default",
    });
    const config = {
      ...defaults,
      timeouts: { ...defaults.timeouts, ...timeouts },
      garbage: { ...defaults.garbage, ...garbage },
    };
    const { clock } = this;
    const store = openFactStore(this.factFile, { afterFact });
    const transaction = store.transaction.bind(store);
    store.transaction = (fact, change, options) => {
      this.#options.ontransaction?.(fact, options);
      return transaction(fact, change, options);
    };
    this.agents = new AgentRegistry({
      store,
      authority: this.#authority,
      clock,
      nodeVersion: "test",
      heartbeatMs: config.timeouts.heartbeat,
      orphanTimeoutMs: 0,
    });
    const provider = wrap(new FakeProvider({ name: "fake", cluster: "test", node: "n1", cloud: this.cloud }));
    this.node = createNode({
      clock,
      ids: this.#ids,
      config,
      store,
      agents: this.agents,
      providers: new Map([["fake", provider]]),
      signal: this.#process.signal,
      userData: ({ vmId }) => JSON.stringify({ vmId }),
    });
  }

  async #fold(id: string, state: ContainerState | undefined): Promise<void> {
    await foldState(this.node, id, state!);
  }
}
