// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { FailedPreconditionError } from "../lib/errors.ts";
import type { ContainerState } from "../protocol/gen/agent_pb.ts";
import type { Mount } from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import { TERMINATION_PATH_ANNOTATION } from "./volumes/classify.ts";

/** As much as the kubelet reads. */
const TERMINATION_MESSAGE_MAX_BYTES = 4096;
/** A log of which nothing comes for so long does not hold up its container's exit any longer; it goes on by itself. */
const LOG_STALL_MS = 15_000;

/**
 * What has to be on this node before anybody hears that a container has ended: its whole log, because whoever follows it
 * stops there, and its termination message, because the kubelet reads it then. One that fails does not keep the other.
 */
export async function writeExit(
  node: Node,
  entry: ContainerEntry,
  state: ContainerState,
  signal: AbortSignal,
): Promise<void> {
  const results = await Promise.allSettled([
    node.containers.logs.drain(entry.id, Number(state.logEnd), { stallMs: LOG_STALL_MS, signal }),
    writeTerminationMessage(entry, state.terminationMessage),
  ]);
  const errors = results.flatMap((each) => each.status === "rejected" ? [each.reason] : []);
  if (errors.length > 0) {
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, "Exit is incomplete");
  }
}

/**
 * Writes a container's last words into the file that the kubelet made for them: at the host path of the mount over the
 * termination-message path. No path comes from the agent.
 *
 * @throws {FailedPreconditionError} if there is something else than a plain file
 */
export async function writeTerminationMessage(
  entry: Pick<ContainerEntry, "id" | "config">,
  message: Uint8Array,
): Promise<void> {
  const path = terminationMount(entry.config.annotations, entry.config.mounts)?.hostPath;
  if (path === undefined || message.length === 0) return;
  // Not through a link at the end, not into a pipe, and not made anew if the kubelet has deleted the pod's files.
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((cause) => {
    throw cannotWrite(entry.id, path, cause.message, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw cannotWrite(entry.id, path, "It is not a file");
    await file.truncate();
    await file.writeFile(message.subarray(0, TERMINATION_MESSAGE_MAX_BYTES));
  } finally {
    await file.close();
  }
}

/** The mount that the kubelet reads a container's last words from. */
export function terminationMount(
  annotations: Readonly<Record<string, string>>,
  mounts: readonly Mount[],
): Mount | undefined {
  const path = annotations[TERMINATION_PATH_ANNOTATION];
  return path ? mounts.find((mount) => mount.containerPath === path) : undefined;
}

function cannotWrite(id: string, path: string, why: string, cause?: unknown): FailedPreconditionError {
  return new FailedPreconditionError(
    `Termination message of container ${id} cannot be written to '${path}': ${why}`,
    { cause },
  );
}
