// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { ContainerState as CriState } from "../../protocol/gen/cri_pb.ts";
import { ContainerPhase, ContainerStateSchema } from "../../protocol/gen/agent_pb.ts";
import { containerRow } from "../testing/rows.ts";
import { containerState, criContainerState } from "./container_state.ts";
import type { ContainerFactsRow } from "./facts.ts";

const made = { createdOnAgentAt: 1 };
const started = { ...made, startIntentAt: 2 };
const { CREATED, RUNNING, EXITED, UNSPECIFIED } = ContainerPhase;

const cases: [string, Partial<ContainerFactsRow>, ContainerPhase | undefined, string, CriState][] = [
  ["intent", {}, undefined, "creating", CriState.CONTAINER_CREATED],
  ["created", made, CREATED, "created", CriState.CONTAINER_CREATED],
  ["created, after a restart of the node", made, undefined, "created", CriState.CONTAINER_CREATED],
  ["start under way", started, CREATED, "created", CriState.CONTAINER_CREATED],
  ["node died during the start", started, undefined, "unknown", CriState.CONTAINER_UNKNOWN],
  ["agent of a newer version", started, UNSPECIFIED, "unknown", CriState.CONTAINER_UNKNOWN],
  ["running", started, RUNNING, "running", CriState.CONTAINER_RUNNING],
  ["exited", started, EXITED, "exited", CriState.CONTAINER_EXITED],
];

for (const [what, facts, phase, kind, cri] of cases) {
  Deno.test(`containerState() of "${what}" is ${kind}`, () => {
    const agent = phase === undefined ? undefined : create(ContainerStateSchema, { phase });
    const state = containerState(containerRow(facts), agent);
    assert.equal(state.kind, kind);
    assert.equal(criContainerState(state), cri);
  });
}
