// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import { randomIds } from "../../lib/ids.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { LinkEnd } from "../../cri/agents/link_end.ts";
import type { LinkEndOptions } from "../../cri/agents/link_end.ts";
import type { FactStore, VmFacts } from "../../cri/state/facts.ts";
import { openFactStore } from "../../cri/state/store.ts";

export type TestNodeOptions = Partial<Omit<LinkEndOptions, "stateDir" | "store">> & {
  readonly afterFact?: (fact: string) => void;
  /** To start a node again on what an earlier one left. */
  readonly stateDir?: string;
};

/** A node's end of the link with a fact file of its own, on a free port of 127.0.0.1. */
export class TestNode implements AsyncDisposable {
  readonly stateDir: string;
  readonly store: FactStore;
  readonly end: LinkEnd;
  #closed = false;

  private constructor(stateDir: string, store: FactStore, end: LinkEnd) {
    this.stateDir = stateDir;
    this.store = store;
    this.end = end;
  }

  static async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const { afterFact, stateDir = await Deno.makeTempDir(), ...rest } = options;
    const store = openFactStore(join(stateDir, "facts"), afterFact ? { afterFact } : {});
    const end = await LinkEnd.open({
      clock: systemClock,
      nodeVersion: "test",
      heartbeatMs: 10_000,
      orphanTimeoutMs: 0,
      link: { host: "127.0.0.1", port: 0, addresses: [] },
      ...rest,
      stateDir,
      store,
    });
    await end.listen();
    return new TestNode(stateDir, store, end);
  }

  get registry() {
    return this.end.registry;
  }

  get address(): string {
    return `127.0.0.1:${this.end.port}`;
  }

  /** A VM that was asked for, as RunPodSandbox records it. Answers what it is told at its start. */
  addVm(facts: Partial<VmFacts> = {}): UserData {
    const row: VmFacts = {
      vmId: randomIds.vmId(),
      provider: "test",
      sandboxId: "",
      createToken: randomIds.token(),
      createIntentAt: 1,
      instanceId: null,
      addresses: [],
      joinToken: randomIds.secret(),
      boundKey: null,
      firstSessionAt: null,
      epoch: 0,
      bootId: null,
      deleteIntentAt: null,
      deletedAt: null,
      ...facts,
    };
    this.store.vms.insert(row, "vm");
    return JSON.parse(this.end.userData(row));
  }

  /** Ends it but leaves its state. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.end.close();
    this.store[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.stateDir, { recursive: true });
  }
}

/** The machine's clock, so many milliseconds ahead. */
export function skewedClock(aheadMs: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + aheadMs };
}
