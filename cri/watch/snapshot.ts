// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { cutText } from "../../lib/cut_text.ts";
import { UnauthorizedError } from "../../lib/errors.ts";
import type { ContainerState, Snapshot } from "../../protocol/gen/agent_pb.ts";
import type { AgentLink } from "../agent_link.ts";
import type { Node } from "../node.ts";
import { foldState } from "./fold.ts";
import { VmRebootedError } from "./vm_rebooted.ts";
import { foreign, loseContainer } from "./watch.ts";

const logger = getLogger(["infranetes", "watch"]);
/** Containers that an agent may have without the node knowing of them. More is not an accident. */
const MAX_UNKNOWN = 64;
/** Length of our own ids. What an agent says instead of one is not repeated at greater length. */
const ID_LENGTH = 64;

export interface SnapshotEvent {
  readonly sandboxId: string;
  readonly sequence: bigint;
  readonly incarnation: string;
  readonly snapshot: Snapshot;
  /** Whether it is the session's first. */
  readonly first: boolean;
}

/**
 * Compares the whole state of a VM with what the node knows and takes the difference: what is in it is folded, what is
 * missing is lost, what nobody knows is removed from the agent. Resolves when states are folded, except that exits go on
 * to wait for their logs.
 *
 * @throws {UnauthorizedError} if it names another sandbox or a container of one, or is not the session's first
 * @throws {VmRebootedError} if the VM was started again since it was configured
 */
export async function foldSnapshot(node: Node, link: AgentLink, event: SnapshotEvent): Promise<void> {
  const { sandboxId, snapshot } = event;
  checkOrigin(node, link, event);
  const known: ContainerState[] = [];
  const unknown: string[] = [];
  for (const state of snapshot.containers) {
    const entry = node.model.container(state.id);
    if (entry && entry.sandbox.id !== sandboxId) throw foreign(link, state.id);
    if (entry) known.push(state);
    else unknown.push(state.id);
  }
  // Each costs a comparison and calls: an agent that may send them without end makes work without end.
  if (!event.first) {
    throw new UnauthorizedError(`Agent of VM ${link.vmId} tells of its whole state twice in a session`);
  }
  loseMissing(node, event, new Set(known.map((state) => state.id)));
  removeUnknown(node, link, unknown);
  await Promise.all(known.map((state) => foldOrLeave(node, link, state)));
}

function checkOrigin(node: Node, link: AgentLink, { sandboxId, snapshot }: SnapshotEvent): void {
  if (snapshot.sandboxId !== sandboxId) {
    throw new UnauthorizedError(
      `Agent of VM ${link.vmId} tells of sandbox '${
        cutText(snapshot.sandboxId, ID_LENGTH)
      }', its own is ${sandboxId}`,
    );
  }
  const bootId = node.model.sandbox(sandboxId)?.facts.bootId ?? null;
  if (bootId !== null && snapshot.bootId !== bootId) {
    throw new VmRebootedError(
      `VM ${link.vmId} was started again: boot id '${
        cutText(snapshot.bootId, ID_LENGTH)
      }' instead of '${bootId}'`,
    );
  }
}

function loseMissing(node: Node, event: SnapshotEvent, present: ReadonlySet<string>): void {
  for (const entry of node.model.containersOf(event.sandboxId)) {
    const { createdOnAgentAt, removeIntentAt } = entry.facts;
    if (present.has(entry.id) || createdOnAgentAt === null || removeIntentAt !== null) continue;
    // Created by a call that was answered after the snapshot was made.
    if (node.folds.sequenceOf(entry, event.incarnation) > event.sequence) continue;
    loseContainer(node, entry.id, "Its agent does not know it any more");
  }
}

function removeUnknown(node: Node, link: AgentLink, ids: readonly string[]): void {
  if (ids.length > MAX_UNKNOWN || ids.some((id) => id.length > ID_LENGTH)) {
    throw new UnauthorizedError(
      `Agent of VM ${link.vmId} tells of ${ids.length} containers that were never created`,
    );
  }
  for (const containerId of ids) {
    logger.warn("Container {containerId} on VM {vmId} has no record and is removed", {
      containerId,
      vmId: link.vmId,
    });
    node.tasks.start(
      `removal of unknown container on VM ${link.vmId}`,
      () =>
        link.containers.remove({ containerId }, {
          signal: node.signal,
          timeoutMs: node.config.timeouts.call,
        }),
    );
  }
}

/** An exit waits for its log, which may take longer than a start or an adoption should: it goes on by itself. */
async function foldOrLeave(node: Node, link: AgentLink, state: ContainerState): Promise<void> {
  const fold = foldState(node, state.id, state);
  if (!node.folds.isExiting(state.id)) return await fold;
  node.tasks.start(`fold of container ${state.id}`, async () => {
    try {
      await fold;
    } catch (error) {
      if (!node.signal.aborted) link.session.close(`A state could not be recorded: ${error}`);
    }
  });
}
