// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Transport } from "../../protocol/link/session.ts";
import type { PodProvider, Vm, VmSpec } from "../provider.ts";
import type { FakeCloud } from "./cloud.ts";
import type { FakeVm } from "./vm.ts";

export interface FakeProviderOptions {
  readonly name: string;
  readonly cluster: string;
  readonly node: string;
  readonly cloud: FakeCloud;
}

/** The contract over a {@linkcode FakeCloud}. */
export class FakeProvider implements PodProvider {
  readonly name: string;
  readonly cloud: FakeCloud;
  readonly #cluster: string;
  readonly #node: string;

  constructor({ name, cluster, node, cloud }: FakeProviderOptions) {
    this.name = name;
    this.cloud = cloud;
    this.#cluster = cluster;
    this.#node = node;
  }

  /** A VM by our id, with its hooks for tests. */
  vm(vmId: string): FakeVm {
    return this.cloud.vm(vmId);
  }

  async create(spec: VmSpec, signal: AbortSignal): Promise<Vm> {
    await this.cloud.begin("create", signal);
    return this.cloud.create(spec).describe();
  }

  async list(signal: AbortSignal): Promise<Vm[]> {
    await this.cloud.begin("list", signal);
    return this.cloud.vms.map((vm) => vm.describe()).filter(({ tags }) =>
      tags.cluster === this.#cluster && tags.node === this.#node
    );
  }

  async describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    await this.cloud.begin("describe", signal);
    return this.cloud.instance(instanceId).describe();
  }

  async delete(instanceId: string, signal: AbortSignal): Promise<void> {
    await this.cloud.begin("delete", signal);
    const vm = this.cloud.vms.find((each) => each.instanceId === instanceId);
    if (vm) this.cloud.delete(vm);
  }

  async bind(
    instanceId: string,
    sandboxId: string,
    _cgroupParent: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.cloud.begin("bind", signal);
    this.cloud.instance(instanceId).bind(sandboxId);
  }

  async localLink(instanceId: string, signal: AbortSignal): Promise<Transport> {
    signal.throwIfAborted();
    return await this.cloud.instance(instanceId).dial(signal);
  }

  /** The agents are in this process but belong to the cloud: they live on, as those of any other. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
