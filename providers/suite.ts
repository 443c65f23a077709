// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The contract of `provider.ts` as tests. A provider's test file calls {@linkcode providerSuite} with a way to make a
 * world: whatever the VMs live in. Each clause is a test of its own with a fresh world, at the end of which nothing may
 * be left.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../lib/clock.ts";
import type { Clock } from "../lib/clock.ts";
import type { PodProvider, VmSpec } from "./provider.ts";
import { CLAUSES } from "./suite/clauses.ts";
import type { ClauseName } from "./suite/clauses.ts";
import { SuiteRun } from "./suite/run.ts";

export type { ClauseName } from "./suite/clauses.ts";

/** Where a provider's VMs live: an empty directory, an account of a cloud, a simulated one. */
export interface ProviderWorld extends AsyncDisposable {
  /**
   * A provider object over this world, as a node process makes one when it starts. Called several times for one world:
   * the later objects stand for the process after a crash of the former, which is then not closed first.
   */
  newProvider(identity: { readonly cluster: string; readonly node: string }): Promise<PodProvider>;
  /** Fields of a spec that this provider needs to be as they are here: image, sizes, user data. */
  readonly spec?: Partial<Pick<VmSpec, "cpus" | "memoryBytes" | "image" | "userData">>;
  /**
   * What exists in this world now, in words: processes, files, disks, addresses. Compared before the first create and
   * after the last deletion.
   */
  inventory(): Promise<readonly string[]>;
}

export interface ProviderSuiteOptions {
  /** Begins the names of the tests. */
  readonly name: string;
  readonly newWorld: () => Promise<ProviderWorld>;
  /** Clauses that this provider cannot keep yet, each with the reason. */
  readonly skip?: Partial<Record<ClauseName, string>>;
  /**
   * Between two looks at a VM. The contract has no events: a caller asks again. A cloud wants seconds.
   * @default 5 ms
   */
  readonly pollMs?: number;
  /** For one clause. @default 30,000 ms */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** Registers one test for each clause of the contract. */
export function providerSuite(options: ProviderSuiteOptions): void {
  const { name, newWorld, skip = {}, pollMs = 5, timeoutMs = 30_000, clock = systemClock } = options;
  for (const [clause, check] of Object.entries(CLAUSES) as [ClauseName, (run: SuiteRun) => Promise<void>][]) {
    const reason = skip[clause];
    const title = `${name} provider: ${clause}${reason ? ` (skipped: ${reason})` : ""}`;
    Deno.test({
      name: title,
      ignore: reason !== undefined,
      async fn() {
        await using world = await newWorld();
        const before = await world.inventory();
        await using run = new SuiteRun(world, { clock, pollMs, timeoutMs });
        try {
          await check(run);
        } finally {
          await run.deleteAll();
        }
        assert.deepEqual(await world.inventory(), before, "Something is left");
      },
    });
  }
}
