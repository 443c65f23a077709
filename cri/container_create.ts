// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { AlreadyExistsError, FailedPreconditionError, NotFoundError } from "../lib/errors.ts";
import { UndoStack } from "../lib/undo.ts";
import {
  type CreateContainerRequest,
  type CreateContainerResponse,
  CreateContainerResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { attempt, callAgent, linkOf } from "./container_agent.ts";
import { discardContainer } from "./container_discard.ts";
import { type ContainerRequest, readContainerRequest } from "./container_request.ts";
import { RESERVED_IMAGE } from "./images/reserved.ts";
import { logPath } from "./logs/log_path.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import type { ContainerFactsRow } from "./state/facts.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";
import { type ClassifiedMount, classifyMounts } from "./volumes/classify.ts";
import { foldState } from "./watch/fold.ts";

const logger = getLogger(["infranetes", "container"]);

/** A container that is about to be made. */
interface Intent {
  readonly sandbox: SandboxEntry;
  readonly wanted: ContainerRequest;
  readonly imageId: string;
  readonly mounts: readonly ClassifiedMount[];
}

/**
 * Makes a container in a sandbox that is ready. Name and attempt are its key in the sandbox: the same key with the same
 * configuration is answered with what an earlier call made.
 *
 * @throws {NotFoundError} if there is no such sandbox or image
 * @throws {AlreadyExistsError} if the key is taken by another configuration
 * @throws {FailedPreconditionError} if the sandbox is not ready or a host path does not exist
 * @throws {UnavailableError} if the VM is not linked
 */
export async function createContainer(
  node: Node,
  request: CreateContainerRequest,
  ctx: RpcContext,
): Promise<CreateContainerResponse> {
  const wanted = readContainerRequest(request, ctx);
  const sandbox = readySandbox(node, request.podSandboxId);
  logPath(sandbox.config, wanted.config);
  await linkOf(node, sandbox, ctx);
  const options = {
    key: JSON.stringify([sandbox.id, wanted.name, wanted.attempt]),
    what: `Creation of container '${wanted.name}' in sandbox ${sandbox.id}`,
    timeoutMs: node.config.timeouts.call,
  };
  const containerId = await attempt(
    node,
    options,
    ctx,
    (signal) => createOnce(node, sandbox, wanted, signal),
  );
  return create(CreateContainerResponseSchema, { containerId });
}

async function createOnce(
  node: Node,
  sandbox: SandboxEntry,
  wanted: ContainerRequest,
  signal: AbortSignal,
): Promise<string> {
  const taken = holderOf(node, sandbox, wanted);
  if (taken && taken.facts.createdOnAgentAt !== null) return checkSame(taken, wanted);
  // Left by an attempt that failed and could not be taken back then.
  if (taken) await discardContainer(node, taken.id, signal);
  const imageId = node.containers.images.find(wanted.image)?.id;
  if (imageId === undefined) {
    throw new NotFoundError(
      `Image '${wanted.image}' does not exist on this node: there is ${RESERVED_IMAGE}`,
    );
  }
  const mounts = await classifyMounts(wanted.config, signal);
  readySandbox(node, sandbox.id);
  return await makeContainer(node, { sandbox, wanted, imageId, mounts }, signal);
}

/** Intent, container on the agent, fact; taken back as a whole if a step fails. */
async function makeContainer(node: Node, intent: Intent, signal: AbortSignal): Promise<string> {
  const { sandbox, wanted, imageId, mounts } = intent;
  const containerId = node.ids.id();
  await using undo = new UndoStack({ clock: node.clock, timeoutMs: node.config.timeouts.undo });
  node.store.containers.insert(rowOf(node, containerId, intent), "container intent");
  undo.push((limit) => takeBack(node, containerId, limit));
  const { state, warnings } = await callAgent(
    node,
    sandbox,
    signal,
    ({ containers }) =>
      containers.create({
        sandboxId: sandbox.id,
        containerId,
        config: wanted.rawConfig,
        imageId,
        mounts: [...mounts],
      }, { signal }),
  );
  if (!state) {
    throw new FailedPreconditionError(`Agent of sandbox ${sandbox.id} created a container without a state`);
  }
  const facts = { createdOnAgentAt: node.clock.now(), warnings: warnings.slice(0, 100) };
  node.store.containers.update(containerId, facts, "container created");
  undo.commit();
  await foldState(node, containerId, state);
  for (const warning of facts.warnings) {
    logger.warn("Container {containerId} ({name}): {warning}", { containerId, name: wanted.name, warning });
  }
  return containerId;
}

function readySandbox(node: Node, idOrPrefix: string): SandboxEntry {
  const sandbox = node.model.resolveSandbox(idOrPrefix);
  if (!sandbox) throw new NotFoundError(`Sandbox '${idOrPrefix}' does not exist`);
  if (sandbox.state.kind !== "ready") {
    throw new FailedPreconditionError(
      `Sandbox ${sandbox.id} is ${sandbox.state.kind}: it takes no container`,
    );
  }
  return sandbox;
}

function holderOf(
  node: Node,
  { id }: SandboxEntry,
  { name, attempt }: ContainerRequest,
): ContainerEntry | undefined {
  for (const entry of node.model.containersOf(id)) {
    if (entry.facts.name === name && entry.facts.attempt === attempt) return entry;
  }
  return undefined;
}

function checkSame({ id, facts }: ContainerEntry, { name, attempt, digest }: ContainerRequest): string {
  if (facts.configDigest === digest && facts.removeIntentAt === null) return id;
  const why = facts.removeIntentAt === null ? "exists with another configuration" : "is being removed";
  throw new AlreadyExistsError(`Container '${name}', attempt ${attempt}, ${why}: ${id}`);
}

/** An undo that cannot be done now is done when the VM calls: the row stays until then and is in no list. */
async function takeBack(node: Node, containerId: string, signal: AbortSignal): Promise<void> {
  // The next process does it.
  if (node.signal.aborted) return;
  try {
    await discardContainer(node, containerId, signal);
  } catch (error) {
    logger.warn("Container {containerId} could not be taken back yet: {error}", { containerId, error });
    node.tasks.start(
      `undo of container ${containerId}`,
      () => discardContainer(node, containerId, node.signal),
    );
  }
}

function rowOf(node: Node, id: string, { sandbox, wanted, imageId }: Intent): ContainerFactsRow {
  return {
    id,
    sandboxId: sandbox.id,
    name: wanted.name,
    attempt: wanted.attempt,
    config: wanted.rawConfig,
    configDigest: wanted.digest,
    imageId,
    createdAtNs: node.clock.nowNs(),
    createdOnAgentAt: null,
    startIntentAt: null,
    lastState: null,
    stopIntentAt: null,
    removeIntentAt: null,
    logBase: 0,
    logDevice: null,
    logInode: null,
    warnings: [],
  };
}
