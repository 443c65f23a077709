// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { deadline } from "../lib/deadline.ts";
import { UnavailableError } from "../lib/errors.ts";
import type { PodProvider } from "../providers/provider.ts";
import type { Node } from "./node.ts";

/**
 * The provider with this name in the configuration.
 * @throws {UnavailableError} if it is no longer configured
 */
export function providerNamed(node: Node, name: string): PodProvider {
  const provider = node.providers.get(name);
  if (provider) return provider;
  throw new UnavailableError(
    `Provider '${name}' is not in the configuration: put it back until its VMs are gone`,
  );
}

/** One call to a provider, on a deadline of its own within the given signal. */
export async function callProvider<T>(
  node: Node,
  what: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = deadline(node.config.timeouts.call, { clock: node.clock, parents: [signal], what });
  return await call(limit.signal);
}
