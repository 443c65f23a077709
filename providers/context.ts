// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../lib/clock.ts";

/** What a provider is told by the node besides its own configuration. */
export interface ProviderContext {
  /** Name of the entry under `providers` in the node's configuration. */
  readonly name: string;
  /** Together they mark the VMs that are this node's: only those are listed. */
  readonly cluster: string;
  readonly node: string;
  /** Absolute path of a directory that belongs to this provider alone. Made by the provider if it needs it. */
  readonly directory: string;
  /** The configuration's `unsafe`: allows what is for development only. */
  readonly unsafe: boolean;
  readonly clock: Clock;
}
