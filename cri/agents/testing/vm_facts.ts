// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { randomIds } from "../../../lib/ids.ts";
import type { VmFacts } from "../../state/facts.ts";

/** The row of a VM that was asked for, as RunPodSandbox records it. */
export function vmFacts(facts: Partial<VmFacts> = {}): VmFacts {
  return {
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
}
