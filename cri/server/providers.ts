// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { loadProvider } from "../../providers/mod.ts";
import type { PodProvider } from "../../providers/provider.ts";
import type { NodeConfig } from "../config/schema.ts";

/**
 * Loads every provider of the configuration. Each gets a directory of its own in the state directory.
 *
 * @throws {Error} naming the entry that cannot be used
 */
export async function openProviders(config: NodeConfig, clock: Clock): Promise<Map<string, PodProvider>> {
  const { cluster, node, unsafe, stateDir } = config;
  const opened = await Promise.allSettled(
    Object.entries(config.providers).map(async ([name, entry]) => {
      const context = { name, cluster, node, unsafe, clock, directory: join(stateDir, "providers", name) };
      try {
        return [name, await loadProvider(entry, context)] as const;
      } catch (cause) {
        throw new Error(`Provider "${name}" cannot be used: ${(cause as Error).message}`, { cause });
      }
    }),
  );
  const providers = new Map(opened.flatMap((result) => result.status === "fulfilled" ? [result.value] : []));
  const failed = opened.find((result) => result.status === "rejected");
  if (!failed) return providers;
  await closeProviders(providers);
  throw failed.reason;
}

/** Ends what providers run in this process. VMs live on. */
export async function closeProviders(providers: ReadonlyMap<string, PodProvider>): Promise<void> {
  await Promise.all([...providers.values()].map((provider) => provider.close()));
}
