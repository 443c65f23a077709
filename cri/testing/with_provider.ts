// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { PodProvider } from "../../providers/provider.ts";

/** A provider that does everything as the given one, but for what is given instead. */
export function withProvider(provider: PodProvider, instead: Partial<PodProvider>): PodProvider {
  const { localLink } = provider;
  return {
    name: provider.name,
    create: (spec, signal) => provider.create(spec, signal),
    list: (signal) => provider.list(signal),
    describe: (instanceId, signal) => provider.describe(instanceId, signal),
    delete: (instanceId, signal) => provider.delete(instanceId, signal),
    close: () => provider.close(),
    ...(localLink && { localLink: localLink.bind(provider) }),
    ...instead,
  };
}
