// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * VMs in the node's memory, for tests and load. They end with the process: after a restart `list` is empty.
 * @module
 */
import type { ProviderContext } from "../context.ts";
import { FakeCloud } from "./cloud.ts";
import type { FakeConfig } from "./config.ts";
import { FakeProvider } from "./provider.ts";

export { FakeCloud } from "./cloud.ts";
export type { CloudCall, FakeCloudOptions } from "./cloud.ts";
export { FakeProvider } from "./provider.ts";
export type { FakeVm } from "./vm.ts";

/** A provider with a cloud of its own. Tests that restart a node make the {@linkcode FakeCloud} themselves. */
export function newFakeProvider(config: FakeConfig, context: ProviderContext): FakeProvider {
  const { name, cluster, node, clock } = context;
  return new FakeProvider({ name, cluster, node, cloud: new FakeCloud({ clock, knobs: config }) });
}
