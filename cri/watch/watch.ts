// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { cutText } from "../../lib/cut_text.ts";
import { deadline } from "../../lib/deadline.ts";
import { UnauthorizedError } from "../../lib/errors.ts";
import type { ContainerState, Heartbeat, WatchResponse } from "../../protocol/gen/agent_pb.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { AgentLink } from "../agent_link.ts";
import type { Node } from "../node.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { endedState, foldState } from "./fold.ts";
import { Pace } from "./pace.ts";
import { foldSnapshot } from "./snapshot.ts";

const logger = getLogger(["infranetes", "watch"]);
/** Far more than a pod's containers change in earnest. */
const EVENTS_PER_SECOND = 200;
const EVENTS_BURST = 1000;
/** Heartbeats that may be missing before the session is given up. */
const MISSED_HEARTBEATS = 3;
const MAX_INCARNATION = 64;

/** What one session's watch has told so far. */
export interface Watched {
  /** One run of one agent process; empty before the snapshot. */
  incarnation: string;
}

export interface WatchOptions {
  readonly node: Node;
  readonly link: AgentLink;
  readonly sandboxId: string;
  readonly watched: Watched;
  /** Called once the whole state is in the model. */
  readonly onsnapshot: () => void;
  readonly signal: AbortSignal;
}

/**
 * Follows one session's watch until it ends: a snapshot, then each change, folded into the model and acknowledged. The
 * next event is read only when this one is done and the pace allows it; only exits, which wait for logs, are finished
 * beside it.
 *
 * @throws {UnauthorizedError} if the agent tells of what is not its own
 * @throws {TimeoutError} if heartbeats stay away; {@linkcode RpcError} UNAVAILABLE if the session or the watch ends
 */
export async function runWatch(options: WatchOptions): Promise<void> {
  const { node, link, signal } = options;
  const acknowledgements = new Acknowledgements();
  const pace = new Pace({ clock: node.clock, perSecond: EVENTS_PER_SECOND, burst: EVENTS_BURST });
  const events = link.sandbox.watch(acknowledgements, { signal })[Symbol.asyncIterator]();
  try {
    for (let first = true;; first = false) {
      const event = await nextEvent(options, events);
      await takeEvent(options, event, { first, acknowledgements });
      const sandbox = node.model.sandbox(options.sandboxId);
      if (sandbox) sandbox.heardAt = node.clock.now();
      await pace.next(signal);
    }
  } finally {
    acknowledgements.end();
    // Ends the call if it has not ended; what it ended with is known already.
    events.return?.().catch(() => {});
  }
}

async function nextEvent(
  { node, link, signal }: WatchOptions,
  events: AsyncIterator<WatchResponse>,
): Promise<WatchResponse> {
  const quiet = node.config.timeouts.heartbeat * MISSED_HEARTBEATS;
  using limit = deadline(quiet, {
    clock: node.clock,
    parents: [signal],
    what: `Waiting for VM ${link.vmId}`,
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  late.catch(() => {});
  limit.signal.addEventListener("abort", () => reject(limit.signal.reason), { once: true });
  if (limit.signal.aborted) reject(limit.signal.reason);
  const result = await Promise.race([events.next(), late]);
  if (!result.done) return result.value;
  throw new RpcError(Code.UNAVAILABLE, `Watch of VM ${link.vmId} was ended by its agent`);
}

async function takeEvent(
  options: WatchOptions,
  { incarnation, sequence, event }: WatchResponse,
  { first, acknowledgements }: { first: boolean; acknowledgements: Acknowledgements },
): Promise<void> {
  const { node, link, sandboxId, watched } = options;
  if (first && event.case !== "snapshot") {
    throw new UnauthorizedError(`Agent of VM ${link.vmId} must begin its watch with a snapshot`);
  }
  if (first) watched.incarnation = cutText(incarnation, MAX_INCARNATION);
  const folded = acknowledgements.begin(sequence);
  switch (event.case) {
    case "snapshot":
      await foldSnapshot(node, link, {
        sandboxId,
        sequence,
        snapshot: event.value,
        incarnation: watched.incarnation,
        first,
      });
      options.onsnapshot();
      return folded();
    case "changed":
      return takeChange(options, event.value, folded);
    case "removed":
      takeRemoval(options, event.value);
      return folded();
    case "heartbeat":
      takeHeartbeat(options, event.value);
      return folded();
    case undefined:
      // From an agent of a newer version: it must not depend on being understood.
      return folded();
  }
}

function takeChange(
  { node, link, sandboxId }: WatchOptions,
  state: ContainerState,
  folded: () => void,
): void {
  const entry = node.model.container(state.id);
  if (entry && entry.sandbox.id !== sandboxId) throw foreign(link, state.id);
  // An unknown one was removed a moment ago. One whose exit waits for its hooks has nothing more to tell.
  if (!entry || node.folds.isExiting(entry.id)) return folded();
  node.tasks.start(`fold of container ${entry.id}`, async () => {
    try {
      await foldState(node, entry.id, state);
      folded();
    } catch (error) {
      if (node.signal.aborted) return;
      // The next session begins with a snapshot, which has it again.
      logger.error("State of container {containerId} was not taken", { containerId: entry.id, error });
      link.session.close("A state could not be recorded");
    }
  });
}

function takeRemoval({ node, link, sandboxId }: WatchOptions, id: string): void {
  const entry = node.model.container(id);
  if (!entry) return;
  if (entry.sandbox.id !== sandboxId) throw foreign(link, id);
  if (entry.facts.removeIntentAt !== null || entry.facts.createdOnAgentAt === null) return;
  loseContainer(node, id, "The agent has removed it without being asked");
}

function takeHeartbeat({ node, sandboxId }: WatchOptions, heartbeat: Heartbeat): void {
  for (const usage of heartbeat.usage) {
    const entry = node.model.container(usage.id);
    if (entry?.sandbox.id === sandboxId) entry.usage = usage;
  }
}

/** A container that should be on its VM and is not: nobody knows how it ended. */
export function loseContainer(node: Node, id: string, message: string): void {
  const entry = node.model.container(id);
  if (!entry || entry.state.kind === "exited" || node.folds.isExiting(id)) return;
  logger.error("Container {containerId} is lost: {message}", { containerId: id, message });
  const state = endedState(entry, { reason: "ContainerLost", message, atNs: node.clock.nowNs() });
  node.tasks.start(`loss of container ${id}`, () => foldState(node, id, state));
}

/** The error for an agent that names what belongs to another VM. */
export function foreign(link: AgentLink, id: string): UnauthorizedError {
  return new UnauthorizedError(
    `Agent of VM ${link.vmId} tells of container '${id}', which belongs to another sandbox`,
  );
}
