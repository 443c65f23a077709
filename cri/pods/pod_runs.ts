// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ContainerEntry } from "../state/container_entry.ts";
import type { Model } from "../state/model.ts";
import type { Run } from "./restart.ts";
import { RESTART_DELAY_ANNOTATION } from "./translate.ts";

/** A run, and whether it ended before it began. */
export interface PodRun extends Run {
  readonly startFailed: boolean;
}

/** The runs of one container of a pod that the node still knows, in any order. */
export function runsOf(model: Pick<Model, "containersOf">, sandboxId: string, container: string): PodRun[] {
  return [...model.containersOf(sandboxId)].filter(({ facts }) => facts.name === container).map(toRun);
}

function toRun(entry: ContainerEntry): PodRun {
  const { facts: { attempt }, state } = entry;
  const delayMs = Number(entry.config.annotations[RESTART_DELAY_ANNOTATION] ?? 0);
  const facts = { id: entry.id, attempt, delayMs };
  if (state.kind !== "exited") {
    return { ...facts, kind: state.kind, startedAt: 0, finishedAt: 0, exitCode: 0, startFailed: false };
  }
  const { startedAt, exitCode, reason } = state.agent;
  const finishedAt = milliseconds(state.agent.finishedAt);
  return {
    ...facts,
    kind: "exited",
    // A run that could not be started has an end and no start.
    startedAt: startedAt === 0n ? finishedAt : milliseconds(startedAt),
    finishedAt,
    exitCode,
    startFailed: reason === "StartError",
  };
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}
