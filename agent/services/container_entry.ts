// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ContainerPhase,
  type ContainerStateSchema,
  type CreateRequest,
} from "../../protocol/gen/agent_pb.ts";
import type { EngineContainer, ExitFacts } from "../engines/engine.ts";

/** A container that the agent has. */
export interface ContainerEntry {
  readonly id: string;
  readonly request: CreateRequest;
  readonly createdAtNs: bigint;
  readonly warnings: readonly string[];
  readonly engine: EngineContainer;
  /** Of the change that made its present state. */
  sequence: bigint;
}

export type ContainerStateInit = MessageInitShape<typeof ContainerStateSchema>;

/**
 * The state that follows from a container's facts:
 *
 *     CREATED ──started──▶ RUNNING ──exit──▶ EXITED
 *        └────────── could not be started ─────▲
 */
export function containerState(entry: ContainerEntry): ContainerStateInit {
  const { startedAtNs, pid, exit } = entry.engine.facts();
  return {
    id: entry.id,
    sequence: entry.sequence,
    phase: exit ? ContainerPhase.EXITED : startedAtNs ? ContainerPhase.RUNNING : ContainerPhase.CREATED,
    createdAt: entry.createdAtNs,
    startedAt: startedAtNs ?? 0n,
    logEnd: BigInt(entry.engine.log.end),
    ...(exit ? exitState(exit) : { pid: pid ?? 0 }),
  };
}

function exitState(exit: ExitFacts): ContainerStateInit {
  return {
    finishedAt: exit.finishedAtNs,
    exitCode: exit.exitCode,
    reason: exit.reason,
    message: exit.message,
    terminationMessage: exit.terminationMessage,
    logRecordsDropped: BigInt(exit.logRecordsDropped),
  };
}
