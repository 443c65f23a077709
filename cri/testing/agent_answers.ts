// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { AgentLink } from "../agent_link.ts";
import type { NodeHarness } from "./node_harness.ts";

type Containers = AgentLink["containers"];

/** Answers one method of a sandbox's agent differently, on its current session. `wrap` gets what it was before. */
export function answerInstead<Name extends keyof Containers>(
  harness: NodeHarness,
  sandboxId: string,
  method: Name,
  wrap: (before: Containers[Name]) => Containers[Name],
): void {
  const { containers } = harness.node.agents.get(harness.node.model.sandbox(sandboxId)!.facts.vmId)!;
  Object.defineProperty(containers, method, { value: wrap(containers[method]), configurable: true });
}
