// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/clock.ts";
import { untilAborted } from "../../lib/deadline.ts";
import { NotFoundError } from "../../lib/errors.ts";
import type { PodProvider, Vm, VmSpec, VmState } from "../provider.ts";
import { agentArguments, guestEnvironment } from "./agent_command.ts";
import { toProviderError } from "./errors.ts";
import { livingInit, readInit, startInit } from "./init.ts";
import { killVm } from "./kill_vm.ts";
import { ProcessTable } from "./process_table.ts";
import type { VmRecord } from "./record.ts";
import type { VmStore } from "./store.ts";
import { readTail } from "./tail.ts";

/** VMs described at a stretch: some 50 µs each. */
const CHUNK = 32;

export interface ProcessProviderOptions {
  readonly name: string;
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  readonly store: VmStore;
  readonly agentCommand: readonly string[];
}

/**
 * VMs that are processes of this machine, without any isolation.
 *
 *     (directory made) pending ──supervisor──▶ running ──supervisor ends──▶ stopped
 *                         └─────────────────────┴─────delete──────────────────┴──▶ stopping ──▶ (directory gone)
 *
 * Nothing of it is kept in memory: each call reads the directory and `/proc`, so that several processes may use one
 * directory, one after the other or at the same time.
 */
export class ProcessProvider implements PodProvider {
  readonly name: string;
  readonly #options: ProcessProviderOptions;
  readonly #table: ProcessTable;
  /** Work whose caller may have gone: it is let finish, so that nothing is half done. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: ProcessProviderOptions) {
    this.name = options.name;
    this.#options = options;
    this.#table = new ProcessTable(options.store.root);
  }

  async create(spec: VmSpec, signal: AbortSignal): Promise<Vm> {
    signal.throwIfAborted();
    return await this.#own(`Cannot make VM ${spec.vmId}`, signal, async () => {
      const record = await this.#options.store.reserve(spec, signal);
      signal.throwIfAborted();
      if (this.#stateOf(record.tags.vmId) === "pending") await this.#start(record.tags.vmId);
      return this.#describe(record);
    });
  }

  async list(signal: AbortSignal): Promise<Vm[]> {
    signal.throwIfAborted();
    const { store, cluster, node } = this.#options;
    const records = await untilAborted(store.all(), signal);
    const own = records.filter(({ tags }) => tags.cluster === cluster && tags.node === node);
    const vms: Vm[] = [];
    for (const record of own) {
      vms.push(this.#describe(record));
      if (vms.length % CHUNK === 0) await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
    return vms;
  }

  describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    return Promise.try(() => {
      signal.throwIfAborted();
      return this.#describe(this.#record(instanceId));
    });
  }

  async delete(instanceId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#own(`Cannot delete VM ${instanceId}`, signal, async () => {
      const { store, clock } = this.#options;
      if (!store.markStopped(instanceId)) return;
      const supervisor = livingInit(store.directory(instanceId));
      const none = await killVm(instanceId, { table: this.#table, clock, supervisor }, signal);
      if (none) await store.remove(instanceId);
    });
  }

  /** What the agent wrote to its outputs: there is no other console. */
  async console(instanceId: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    this.#record(instanceId);
    const directory = this.#options.store.directory(instanceId);
    return await untilAborted(
      readTail([join(directory, "agent.log.1"), join(directory, "agent.log")], maxBytes),
      signal,
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #start(vmId: string): Promise<void> {
    const { store, agentCommand } = this.#options;
    const directory = store.directory(vmId);
    await startInit({
      vmId,
      directory,
      command: [...agentCommand, ...agentArguments(directory)],
      environment: guestEnvironment(directory),
    });
  }

  #record(instanceId: string): VmRecord {
    const record = this.#options.store.read(instanceId);
    if (!record) throw new NotFoundError(`VM ${instanceId} does not exist`);
    return record;
  }

  #describe({ tags, address }: VmRecord): Vm {
    return { instanceId: tags.vmId, state: this.#stateOf(tags.vmId), tags, addresses: [address] };
  }

  #stateOf(vmId: string): VmState {
    const { store } = this.#options;
    if (store.isMarkedStopped(vmId)) return "stopping";
    const directory = store.directory(vmId);
    if (readInit(directory) === undefined) return "pending";
    return livingInit(directory) === undefined ? "stopped" : "running";
  }

  /** Answers the caller as soon as the signal aborts, and keeps the work until it has come to its end. */
  async #own<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const running = work();
    const settled = running.catch(() => {}).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    try {
      return await untilAborted(running, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, what);
    }
  }
}
