// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../../lib/errors.ts";
import type { ContainerState as AgentState } from "../../protocol/gen/agent_pb.ts";
import { ContainerEntry } from "./container_entry.ts";
import type { FactChange, FactStore, SandboxFacts, VmFacts } from "./facts.ts";
import { SandboxEntry } from "./sandbox_entry.ts";

/** The kubelet's name for a sandbox. */
export type SandboxKey = Pick<SandboxFacts, "namespace" | "name" | "uid" | "attempt">;

/** What changed in the model. The entry is as it is after the change; a removed one as it was last. */
export interface ModelChange {
  readonly kind: "changed" | "removed";
  readonly entry: SandboxEntry | ContainerEntry;
}

/**
 * Everything that calls ask for, in memory: the facts, which it follows by itself, and the state that agents told. No
 * call that lists or shows something asks a VM or the disk.
 */
export class Model {
  readonly #sandboxes = new Map<string, SandboxEntry>();
  readonly #byKey = new Map<string, SandboxEntry>();
  readonly #containers = new Map<string, ContainerEntry>();
  readonly #bySandbox = new Map<string, Set<ContainerEntry>>();
  readonly #vms = new Map<string, VmFacts>();
  readonly #listeners = new Set<(change: ModelChange) => void>();

  /** Reads the whole store, then follows it: `store.onchange` belongs to the model from here on. */
  constructor(store: FactStore) {
    for (const row of store.vms.all()) this.#apply({ table: "vms", key: row.vmId, row });
    for (const row of store.sandboxes.all()) this.#apply({ table: "sandboxes", key: row.id, row });
    for (const row of store.containers.all()) this.#apply({ table: "containers", key: row.id, row });
    store.onchange = (change) => this.#apply(change);
  }

  sandbox(id: string): SandboxEntry | undefined {
    return this.#sandboxes.get(id);
  }

  sandboxByKey(key: SandboxKey): SandboxEntry | undefined {
    return this.#byKey.get(keyText(key));
  }

  container(id: string): ContainerEntry | undefined {
    return this.#containers.get(id);
  }

  vm(vmId: string): VmFacts | undefined {
    return this.#vms.get(vmId);
  }

  /** In the order in which they were made. Includes those that are in no CRI list. */
  sandboxes(): Iterable<SandboxEntry> {
    return this.#sandboxes.values();
  }

  containers(): Iterable<ContainerEntry> {
    return this.#containers.values();
  }

  containersOf(sandboxId: string): Iterable<ContainerEntry> {
    return this.#bySandbox.get(sandboxId) ?? [];
  }

  vms(): Iterable<VmFacts> {
    return this.#vms.values();
  }

  /**
   * The sandbox with this id, or the only one whose id begins so.
   * @throws {InvalidArgumentError} if several begin so
   */
  resolveSandbox(idOrPrefix: string): SandboxEntry | undefined {
    return resolve(this.#sandboxes, idOrPrefix, "Sandbox");
  }

  /**
   * The container with this id, or the only one whose id begins so.
   * @throws {InvalidArgumentError} if several begin so
   */
  resolveContainer(idOrPrefix: string): ContainerEntry | undefined {
    return resolve(this.#containers, idOrPrefix, "Container");
  }

  /** Takes a container's state as its agent told it. Whether it may be taken is the fold's business. */
  setAgentState(entry: ContainerEntry, state: AgentState): void {
    entry.agentState = state;
    this.#tell({ kind: "changed", entry });
  }

  /** Calls `listener` after each change until disposed of. Listeners record no facts and do not throw. */
  subscribe(listener: (change: ModelChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(change: ModelChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #apply(change: FactChange): void {
    switch (change.table) {
      case "sandboxes":
        return this.#applySandbox(change.key, change.row);
      case "containers":
        return this.#applyContainer(change);
      case "vms":
        return this.#applyVm(change.key, change.row);
    }
  }

  #applySandbox(id: string, row: SandboxFacts | undefined): void {
    let entry = this.#sandboxes.get(id);
    if (!row) {
      if (!entry) return;
      this.#sandboxes.delete(id);
      this.#byKey.delete(keyText(entry.facts));
      return this.#tell({ kind: "removed", entry });
    }
    if (entry) entry.facts = row;
    else {
      entry = new SandboxEntry(row, this.#vms.get(row.vmId));
      this.#sandboxes.set(id, entry);
      this.#byKey.set(keyText(row), entry);
    }
    this.#tell({ kind: "changed", entry });
  }

  #applyContainer({ key: id, row }: FactChange & { table: "containers" }): void {
    let entry = this.#containers.get(id);
    if (!row) {
      if (!entry) return;
      this.#containers.delete(id);
      const siblings = this.#bySandbox.get(entry.sandbox.id);
      siblings?.delete(entry);
      if (siblings?.size === 0) this.#bySandbox.delete(entry.sandbox.id);
      return this.#tell({ kind: "removed", entry });
    }
    if (entry) entry.facts = row;
    else {
      // The row refers to its sandbox's: the file does not hold one without the other.
      entry = new ContainerEntry(row, this.#sandboxes.get(row.sandboxId)!);
      this.#containers.set(id, entry);
      const siblings = this.#bySandbox.get(row.sandboxId);
      if (siblings) siblings.add(entry);
      else this.#bySandbox.set(row.sandboxId, new Set([entry]));
    }
    this.#tell({ kind: "changed", entry });
  }

  #applyVm(vmId: string, row: VmFacts | undefined): void {
    const sandboxId = row?.sandboxId ?? this.#vms.get(vmId)?.sandboxId;
    if (row) this.#vms.set(vmId, row);
    else this.#vms.delete(vmId);
    const entry = sandboxId === undefined ? undefined : this.#sandboxes.get(sandboxId);
    if (entry?.facts.vmId === vmId) entry.vm = row;
  }
}

function keyText({ namespace, name, uid, attempt }: SandboxKey): string {
  return JSON.stringify([namespace, name, uid, attempt]);
}

function resolve<T>(entries: ReadonlyMap<string, T>, idOrPrefix: string, what: string): T | undefined {
  const exact = entries.get(idOrPrefix);
  if (exact || idOrPrefix === "") return exact;
  const found = [...entries.keys()].filter((id) => id.startsWith(idOrPrefix));
  if (found.length > 1) {
    throw new InvalidArgumentError(`${what} id '${idOrPrefix}' is not unique: ${found.length} ids begin so`);
  }
  return entries.get(found[0] ?? "");
}
