// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";
import type { Deadline } from "../../lib/deadline.ts";
import { deadline } from "../../lib/deadline.ts";
import { NotFoundError } from "../../lib/errors.ts";
import { randomIds } from "../../lib/ids.ts";
import type { PodProvider, Vm, VmSpec } from "../provider.ts";
import type { ProviderWorld } from "../suite.ts";

export interface SuiteRunOptions {
  readonly clock: Clock;
  readonly pollMs: number;
  readonly timeoutMs: number;
}

/** The node that owns the VMs of a run. */
export const IDENTITY = { cluster: "suite", node: "node-1" };

/** One run of one clause: its provider objects, and the words in which clauses are written. */
export class SuiteRun implements AsyncDisposable {
  readonly world: ProviderWorld;
  readonly #options: SuiteRunOptions;
  readonly #limit: Deadline;
  readonly #providers: PodProvider[] = [];

  constructor(world: ProviderWorld, options: SuiteRunOptions) {
    this.world = world;
    this.#options = options;
    this.#limit = deadline(options.timeoutMs, {
      clock: options.clock,
      what: "Clause of the provider's contract",
    });
  }

  /** Aborts when the clause takes too long. */
  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  /** A provider object as a node process makes it when it starts. */
  async provider(
    identity: { readonly cluster: string; readonly node: string } = IDENTITY,
  ): Promise<PodProvider> {
    const provider = await this.world.newProvider(identity);
    this.#providers.push(provider);
    return provider;
  }

  /** A spec for a new VM. */
  spec(tags: Partial<VmSpec["tags"]> = {}): VmSpec {
    const vmId = randomIds.vmId();
    return {
      vmId,
      token: randomIds.token(),
      tags: { ...IDENTITY, vmId, sandboxId: randomIds.id(), createdAt: this.#options.clock.now(), ...tags },
      cpus: 1,
      memoryBytes: 512 * 2 ** 20,
      image: "",
      userData: JSON.stringify({ version: 1, vmId, caCertificate: "", nodes: [] }),
      cgroupParent: "",
      ...this.world.spec,
    };
  }

  /** Asks again until the VM runs. */
  async untilRunning(provider: PodProvider, { instanceId }: Vm): Promise<Vm> {
    for (;;) {
      const vm = await provider.describe(instanceId, this.signal);
      if (vm.state === "running") return vm;
      if (vm.state !== "pending") throw new Error(`VM ${instanceId} became ${vm.state} instead of running`);
      await this.pause();
    }
  }

  /** Calls delete again until describe says that the VM is gone, as every caller has to. */
  async deleteUntilGone(provider: PodProvider, instanceId: string): Promise<void> {
    for (;;) {
      await provider.delete(instanceId, this.signal);
      if (await this.isGone(provider, instanceId)) return;
      await this.pause();
    }
  }

  async isGone(provider: PodProvider, instanceId: string): Promise<boolean> {
    try {
      await provider.describe(instanceId, this.signal);
      return false;
    } catch (error) {
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  }

  /** Deletes what a fresh provider object lists, as a node would after it lost its records. */
  async deleteAll(): Promise<void> {
    const provider = await this.provider();
    const vms = await provider.list(this.signal);
    await Promise.all(vms.map(({ instanceId }) => this.deleteUntilGone(provider, instanceId)));
  }

  pause(): Promise<void> {
    return this.#options.clock.sleep(this.#options.pollMs, this.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#providers.map((provider) => provider.close()));
    this.#limit[Symbol.dispose]();
  }
}
