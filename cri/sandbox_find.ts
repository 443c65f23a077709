// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError, NotFoundError } from "../lib/errors.ts";
import type { Node } from "./node.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";

/** The sandbox that a caller means, in whatever state; undefined if there is none (any more). */
export function findSandbox(node: Node, idOrPrefix: string): SandboxEntry | undefined {
  if (idOrPrefix === "") throw new InvalidArgumentError("Request needs 'pod_sandbox_id'");
  return node.model.resolveSandbox(idOrPrefix);
}

/**
 * A sandbox that is, or was, ready. One that is still being started is not known: the kubelet would take it for one that
 * has failed.
 *
 * @throws {NotFoundError}
 */
export function requireSandbox(node: Node, idOrPrefix: string): SandboxEntry {
  const entry = findSandbox(node, idOrPrefix);
  if (!entry || entry.facts.readyAt === null) {
    throw new NotFoundError(`Sandbox '${idOrPrefix}' does not exist`);
  }
  return entry;
}
