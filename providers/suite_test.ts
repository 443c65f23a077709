// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The suite itself: each way to break the contract must fail the clause that is about it. */
import assert from "node:assert/strict";
import { systemClock } from "../lib/clock.ts";
import { FakeCloud } from "./fake/cloud.ts";
import { FakeProvider } from "./fake/provider.ts";
import type { PodProvider, Vm, VmSpec } from "./provider.ts";
import { CLAUSES } from "./suite/clauses.ts";
import type { ClauseName } from "./suite/clauses.ts";
import { SuiteRun } from "./suite/run.ts";

const never = new AbortController().signal;

async function rewrite(vms: Vm[] | Promise<Vm[]>, patch: (vm: Vm) => Partial<Vm>): Promise<Vm[]> {
  return (await vms).map((vm) => ({ ...vm, ...patch(vm) }));
}

class IgnoresTokens extends FakeProvider {
  override create(spec: VmSpec, signal: AbortSignal): Promise<Vm> {
    return super.create({ ...spec, token: crypto.randomUUID() }, signal);
  }
}

class IgnoresSignals extends FakeProvider {
  override create = (spec: VmSpec) => super.create(spec, never);
  override list = () => super.list(never);
}

class LosesTags extends FakeProvider {
  override async describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    const vm = await super.describe(instanceId, signal);
    return { ...vm, tags: { ...vm.tags, createdAt: Math.round(vm.tags.createdAt / 1000) } };
  }
}

class SharesAddresses extends FakeProvider {
  override async describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    return { ...await super.describe(instanceId, signal), addresses: ["198.18.0.1"] };
  }
}

class HasNoAddresses extends FakeProvider {
  override async describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    return { ...await super.describe(instanceId, signal), addresses: [] };
  }
}

class ListsEverybodys extends FakeProvider {
  override list(signal: AbortSignal): Promise<Vm[]> {
    return rewrite(this.cloud.vms.map((vm) => vm.describe()), () => {
      signal.throwIfAborted();
      return {};
    });
  }
}

class ForgetsToList extends FakeProvider {
  override async list(signal: AbortSignal): Promise<Vm[]> {
    return (await super.list(signal)).slice(1);
  }
}

class DescribesWhatIsGone extends FakeProvider {
  override async describe(instanceId: string, signal: AbortSignal): Promise<Vm> {
    try {
      return await super.describe(instanceId, signal);
    } catch {
      throw new Error("Gone");
    }
  }
}

class NeverDeletes extends FakeProvider {
  override delete(): Promise<void> {
    return Promise.resolve();
  }
}

class DeletesKnownOnly extends FakeProvider {
  override async delete(instanceId: string, signal: AbortSignal): Promise<void> {
    this.cloud.instance(instanceId);
    await super.delete(instanceId, signal);
  }
}

class TakesVmsAlong extends FakeProvider {
  override close(): Promise<void> {
    for (const vm of this.cloud.vms) vm.delete(0);
    return Promise.resolve();
  }
}

type Provider = typeof FakeProvider;

const BROKEN: readonly (readonly [Provider, ClauseName])[] = [
  [IgnoresTokens, "create() with the same token answers the same VM"],
  [IgnoresTokens, "create() with the same token at the same time makes one VM"],
  [IgnoresTokens, "create() after a crash of the node answers the VM of the same token"],
  [IgnoresSignals, "create() with an aborted signal makes nothing"],
  [IgnoresSignals, "list(), describe(), delete() honour an aborted signal"],
  [LosesTags, "create() answers a VM with the tags that were asked for"],
  [SharesAddresses, "create() makes VMs that run, each with addresses of its own"],
  [HasNoAddresses, "create() makes VMs that run, each with addresses of its own"],
  [ListsEverybodys, "list() tells every VM of this node and none of another"],
  [ForgetsToList, "list() tells every VM of this node and none of another"],
  [ForgetsToList, "create() that is aborted on its way leaves at most one VM, which is listed"],
  [DescribesWhatIsGone, "describe() throws NotFoundError for an unknown id"],
  [NeverDeletes, "delete() is called again until the VM is gone, and nothing is left"],
  [NeverDeletes, "delete() right after create() leaves nothing"],
  [NeverDeletes, "delete() after a crash of the node finishes what was begun"],
  [DeletesKnownOnly, "delete() of a VM that is gone or unknown is no error"],
  [TakesVmsAlong, "close() leaves VMs alive"],
];

function newWorld(Broken: Provider) {
  const cloud = new FakeCloud({ clock: systemClock });
  return {
    newProvider: (identity: { readonly cluster: string; readonly node: string }): Promise<PodProvider> =>
      Promise.resolve(new Broken({ name: "broken", ...identity, cloud })),
    inventory: () => Promise.resolve(cloud.vms.map(({ instanceId }) => instanceId)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

for (const [Broken, clause] of BROKEN) {
  Deno.test(`providerSuite() fails a provider that ${Broken.name} in "${clause}"`, async () => {
    await using run = new SuiteRun(newWorld(Broken), { clock: systemClock, pollMs: 1, timeoutMs: 50 });
    await assert.rejects(CLAUSES[clause](run));
  });
}
