// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { ContainerState as CriState } from "../../protocol/gen/cri_pb.ts";
import { ContainerPhase, type ContainerState as AgentState } from "../../protocol/gen/agent_pb.ts";
import type { ContainerFactsRow } from "./facts.ts";

/**
 * What a container is, computed from its row and the last state that its agent told.
 *
 *               intent            agent has it         Start          exit, log drained
 *     (no row) ───────▶ creating ─────────────▶ created ─────▶ running ────────────────▶ exited
 *        ▲                                          │            ▲                         │
 *        │          node died in the middle of Start└▶ unknown ──┘ agent tells             │ Remove, from any state
 *        └─────────────────────────────────────────────────────────────────────────────────┘
 *
 * `unknown` is short: between a restart of the node and the agent's first snapshot, and only if the node does not know
 * whether the process was started. `creating` is in no list.
 */
export type ContainerState =
  | { readonly kind: "creating" }
  | { readonly kind: "created" }
  | { readonly kind: "unknown" }
  | { readonly kind: "running"; readonly agent: AgentState }
  | { readonly kind: "exited"; readonly agent: AgentState };

/** The state of a container with this row. `agent` is what was folded last, undefined if nothing was. */
export function containerState(row: ContainerFactsRow, agent: AgentState | undefined): ContainerState {
  if (row.createdOnAgentAt === null) return { kind: "creating" };
  switch (agent?.phase) {
    case ContainerPhase.RUNNING:
      return { kind: "running", agent };
    case ContainerPhase.EXITED:
      return { kind: "exited", agent };
    case ContainerPhase.CREATED:
      return { kind: "created" };
    case ContainerPhase.UNSPECIFIED:
    case undefined:
      return { kind: row.startIntentAt === null ? "created" : "unknown" };
  }
}

/** CRI's word for it. `creating` has none that is better than CREATED, and is in no list. */
export function criContainerState(state: ContainerState): CriState {
  switch (state.kind) {
    case "creating":
    case "created":
      return CriState.CONTAINER_CREATED;
    case "running":
      return CriState.CONTAINER_RUNNING;
    case "exited":
      return CriState.CONTAINER_EXITED;
    case "unknown":
      return CriState.CONTAINER_UNKNOWN;
  }
}
