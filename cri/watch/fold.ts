// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { cutText } from "../../lib/cut_text.ts";
import { deadline } from "../../lib/deadline.ts";
import { SingleFlight } from "../../lib/single_flight.ts";
import { ContainerPhase, type ContainerState, ContainerStateSchema } from "../../protocol/gen/agent_pb.ts";
import type { Node } from "../node.ts";
import type { ContainerEntry } from "../state/container_entry.ts";

const logger = getLogger(["infranetes", "watch"]);

/** For all that is done between an exit and its being told: the log and the termination message. */
export const EXIT_HOOKS_MS = 30_000;
const MAX_REASON = 128;
/** As much of a termination message as the kubelet reads. */
const MAX_MESSAGE = 4096;

/**
 * Takes a container's state, as its agent told it, into the model; the same for a watch's event and for the answer of a
 * mutating call, which folds before it answers, so that the next List is not older. An older state never replaces a
 * newer one. An exit is taken only after its exit hooks have run.
 *
 * @throws {UnavailableError} if the fact file cannot be written: the state was not taken
 */
export function foldState(node: Node, containerId: string, state: ContainerState): Promise<void> {
  return node.folds.fold(containerId, state);
}

interface Folded {
  /** The agent's process: sequence numbers are comparable only within one. */
  readonly incarnation: string;
  readonly sequence: bigint;
}

/** What was folded of each container, and the exits that wait for their hooks. */
export class Folds {
  readonly #node: () => Node;
  readonly #folded = new WeakMap<ContainerEntry, Folded>();
  readonly #exits = new SingleFlight<void>();

  constructor(node: () => Node) {
    this.#node = node;
  }

  /** See {@linkcode foldState}. */
  async fold(containerId: string, state: ContainerState): Promise<void> {
    const node = this.#node();
    const entry = node.model.container(containerId);
    if (!entry || entry.state.kind === "exited") return;
    state = bounded(state, containerId);
    const exiting = this.#exits.get(containerId);
    if (exiting) return await exiting;
    if (!this.#isNewer(node, entry, state)) return;
    if (state.phase === ContainerPhase.EXITED) {
      return await this.#exits.run(containerId, () => this.#foldExit(node, entry, state));
    }
    const begins = state.phase === ContainerPhase.RUNNING && entry.state.kind !== "running";
    // From then on a node that restarts knows that it runs, before its agent calls.
    if (begins) recordState(node, entry, state, "container running");
    this.#take(node, entry, state);
  }

  /** The greatest sequence number folded of a container in this run of its agent. */
  sequenceOf(entry: ContainerEntry, incarnation: string): bigint {
    const folded = this.#folded.get(entry);
    return folded?.incarnation === incarnation ? folded.sequence : 0n;
  }

  /** Whether an exit of this container waits for its hooks. */
  isExiting(containerId: string): boolean {
    return this.#exits.get(containerId) !== undefined;
  }

  /** Resolves when no exit of this sandbox waits for its hooks any more. */
  async settled(sandboxId: string): Promise<void> {
    const exits = [...this.#node().model.containersOf(sandboxId)].map((entry) => this.#exits.get(entry.id));
    await Promise.allSettled(exits);
  }

  #isNewer(node: Node, entry: ContainerEntry, state: ContainerState): boolean {
    // A container only ever goes forward, whatever the numbers say.
    const current = entry.agentState?.phase ?? ContainerPhase.UNSPECIFIED;
    if (state.phase < current || state.phase === ContainerPhase.UNSPECIFIED) return false;
    return state.phase > current || state.sequence > this.sequenceOf(entry, incarnationOf(node, entry));
  }

  async #foldExit(node: Node, entry: ContainerEntry, state: ContainerState): Promise<void> {
    await runExitHooks(node, entry, state);
    // Meanwhile its sandbox may have been removed or have ended.
    if (node.model.container(entry.id) !== entry || entry.state.kind === "exited") return;
    recordState(node, entry, state, "container exited");
    this.#take(node, entry, state);
  }

  #take(node: Node, entry: ContainerEntry, state: ContainerState): void {
    this.#folded.set(entry, { incarnation: incarnationOf(node, entry), sequence: state.sequence });
    node.model.setAgentState(entry, state);
  }
}

/** An agent may be hostile: what it says is kept, so its length is ours to decide. */
function bounded(state: ContainerState, id: string): ContainerState {
  return create(ContainerStateSchema, {
    ...state,
    id,
    reason: cutText(state.reason, MAX_REASON),
    message: cutText(state.message, MAX_MESSAGE),
    terminationMessage: state.terminationMessage.slice(0, MAX_MESSAGE),
  });
}

function incarnationOf(node: Node, entry: ContainerEntry): string {
  return node.watches.incarnationOf(entry.sandbox.facts.vmId);
}

function recordState(node: Node, entry: ContainerEntry, state: ContainerState, fact: string): void {
  node.store.containers.update(entry.id, { lastState: toBinary(ContainerStateSchema, state) }, fact);
}

async function runExitHooks(node: Node, entry: ContainerEntry, state: ContainerState): Promise<void> {
  using limit = deadline(EXIT_HOOKS_MS, {
    clock: node.clock,
    parents: [node.signal],
    what: `The end of container ${entry.id}`,
  });
  const hooks = [...node.exitHooks].map((hook) => Promise.try(hook, entry, state, limit.signal));
  for (const result of await Promise.allSettled(hooks)) {
    if (result.status === "fulfilled") continue;
    logger.warn("Exit of container {containerId} is told although something of it may be missing", {
      containerId: entry.id,
      error: result.reason,
    });
  }
  // Not told now: after the restart the agent tells it again, and the hooks run to their end.
  node.signal.throwIfAborted();
}

/** The state of a container that ended without its agent having told how. */
export function endedState(
  entry: ContainerEntry,
  how: { readonly reason: string; readonly message: string; readonly atNs: bigint },
): ContainerState {
  const last = entry.agentState;
  return create(ContainerStateSchema, {
    id: entry.id,
    phase: ContainerPhase.EXITED,
    createdAt: last?.createdAt || entry.facts.createdAtNs,
    startedAt: last?.startedAt ?? 0n,
    finishedAt: how.atNs,
    exitCode: 137,
    reason: how.reason,
    message: how.message,
    logEnd: last?.logEnd ?? 0n,
  });
}
