// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { toBinary } from "@bufbuild/protobuf";
import { AlreadyExistsError, FailedPreconditionError } from "../../lib/errors.ts";
import { type CreateRequest, CreateRequestSchema } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";
import { type ContainerEntry, containerState, type ContainerStateInit } from "./container_entry.ts";
import { sameBytes } from "./same_bytes.ts";
import { checkId, containerSpec } from "./specs.ts";

interface Created {
  readonly state: ContainerStateInit;
  readonly warnings: string[];
}

/**
 * Creates a container; the same request again is answered alike.
 *
 * @throws {AlreadyExistsError} if its id is taken by another configuration
 */
export function createContainer(
  agent: Agent,
  request: CreateRequest,
  { signal }: CallContext,
): Promise<Created> {
  agent.refuseIfEnding();
  checkId("container", request.containerId);
  return agent.turns.take(request.containerId, async () => {
    const entry = existing(agent, request) ?? await make(agent, request, signal);
    return { state: containerState(entry), warnings: [...entry.warnings] };
  });
}

function existing(agent: Agent, request: CreateRequest): ContainerEntry | undefined {
  const entry = agent.containers.get(request.containerId);
  if (!entry) return undefined;
  const [had, asked] = [entry.request, request].map((each) => toBinary(CreateRequestSchema, each));
  if (sameBytes(had!, asked!)) return entry;
  throw new AlreadyExistsError(`Container ${entry.id} exists already, with another configuration`);
}

async function make(agent: Agent, request: CreateRequest, signal: AbortSignal): Promise<ContainerEntry> {
  const sandbox = agent.requireSandbox().spec;
  if (request.sandboxId !== sandbox.id) {
    throw new FailedPreconditionError(
      `This VM is sandbox ${sandbox.id}: a container of ${request.sandboxId} cannot be here`,
    );
  }
  const { store, clock } = agent;
  const id = request.containerId;
  const spec = await containerSpec(request, sandbox, store.directory(id));
  const engine = await agent.engine();
  store.prepare(id);
  try {
    const { container, warnings } = await engine.create(spec, signal);
    const stored = { request, createdAtNs: clock.nowNs(), warnings };
    await store.add(id, stored);
    return agent.add(stored, container);
  } catch (error) {
    store.delete(id);
    throw error;
  }
}
