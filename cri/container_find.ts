// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError, InvalidArgumentError, NotFoundError } from "../lib/errors.ts";
import type { Node } from "./node.ts";
import type { ContainerEntry } from "./state/container_entry.ts";

/** The container that a caller means, undefined if there is none (any more). One that is still being made is none. */
export function findContainer(node: Node, idOrPrefix: string): ContainerEntry | undefined {
  if (idOrPrefix === "") throw new InvalidArgumentError("Request needs 'container_id'");
  const entry = node.model.resolveContainer(idOrPrefix);
  return entry?.state.kind === "creating" ? undefined : entry;
}

/** @throws {NotFoundError} */
export function requireContainer(node: Node, idOrPrefix: string): ContainerEntry {
  const entry = findContainer(node, idOrPrefix);
  if (!entry) throw new NotFoundError(`Container '${idOrPrefix}' does not exist`);
  return entry;
}

/**
 * A container that runs.
 * @throws {NotFoundError} if there is none
 * @throws {FailedPreconditionError} if it does not run
 */
export function requireRunning(node: Node, idOrPrefix: string, what: string): ContainerEntry {
  const entry = requireContainer(node, idOrPrefix);
  if (entry.state.kind !== "running") {
    throw new FailedPreconditionError(
      `${what} needs a running container: ${entry.id} is ${entry.state.kind}`,
    );
  }
  return entry;
}
