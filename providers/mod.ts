// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The register of providers: one line each here, one folder each beside. The schemas are small and loaded with the
 * node's configuration; a provider itself, with its SDK, is loaded when an entry of its kind is configured.
 * @module
 */
import * as z from "zod";
import type { ProviderContext } from "./context.ts";
import { fakeConfigSchema } from "./fake/config.ts";
import { processConfigSchema } from "./process/config.ts";
import type { PodProvider } from "./provider.ts";

export type { ProviderContext } from "./context.ts";

/** Schemas of the entries under `providers` in the node's configuration, by `kind`. */
export const providerConfigSchemas = {
  fake: fakeConfigSchema,
  process: processConfigSchema,
} as const;

/** One entry under `providers`. */
export const providerConfigSchema = z.discriminatedUnion("kind", [fakeConfigSchema, processConfigSchema]);

export type ProviderConfig = z.output<typeof providerConfigSchema>;

/**
 * Loads the provider that `config.kind` names.
 *
 * @throws {FailedPreconditionError} if the provider is for development only and `context.unsafe` is false
 */
export async function loadProvider(config: ProviderConfig, context: ProviderContext): Promise<PodProvider> {
  switch (config.kind) {
    case "fake":
      return (await import("./fake/mod.ts")).newFakeProvider(config, context);
    case "process":
      return await (await import("./process/mod.ts")).openProcessProvider(config, context);
  }
}
