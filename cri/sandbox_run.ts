// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create } from "@bufbuild/protobuf";
import { untilAborted } from "../lib/deadline.ts";
import { AlreadyExistsError, SupersededError } from "../lib/errors.ts";
import {
  type RunPodSandboxRequest,
  type RunPodSandboxResponse,
  RunPodSandboxResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";
import { providerNamed } from "./provider_call.ts";
import type { RpcContext } from "./rpc_context.ts";
import { discardSandbox } from "./sandbox_discard.ts";
import { readSandboxRequest, type SandboxRequest } from "./sandbox_request.ts";
import { chooseSize } from "./sizing.ts";
import type { SandboxFacts } from "./state/facts.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";

export interface RunPodSandboxOptions {
  /** Whose sandbox it is. A client's is in no CRI list. @default "cri" */
  readonly origin?: SandboxFacts["origin"];
}

/**
 * Starts a pod's VM and answers when it is ready. The key (namespace, name, uid, attempt) is reserved first: the same
 * key with the same configuration joins the start under way or is answered with what it made.
 *
 * @throws {AlreadyExistsError} if the key is taken by another configuration, or by a sandbox that has stopped
 * @throws {SupersededError} if a newer attempt of the same pod is under way
 */
export async function runPodSandbox(
  node: Node,
  request: RunPodSandboxRequest,
  ctx: RpcContext,
  { origin = "cri" }: RunPodSandboxOptions = {},
): Promise<RunPodSandboxResponse> {
  const wanted = readSandboxRequest(node.config, request, ctx);
  const podSandboxId = await reserve(node, wanted, origin, ctx.signal);
  if (node.model.sandbox(podSandboxId)?.state.kind !== "ready") await node.starts.wait(podSandboxId, ctx);
  return create(RunPodSandboxResponseSchema, { podSandboxId });
}

/**
 * The sandbox that has this key: the one that an earlier call made, or a new one whose intent is recorded. Waits while
 * an earlier start with this key is taken back.
 */
async function reserve(
  node: Node,
  wanted: SandboxRequest,
  origin: SandboxFacts["origin"],
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    const entry = node.model.sandboxByKey(wanted.key);
    if (!entry) return recordIntent(node, wanted, origin);
    if (entry.state.kind !== "undoing") return checkOwn(entry, wanted);
    await discardSandbox(node, entry.id, signal);
  }
}

function checkOwn(entry: SandboxEntry, { key, digest }: SandboxRequest): string {
  const name = `${key.namespace}/${key.name}, uid ${key.uid}, attempt ${key.attempt}`;
  if (entry.facts.configDigest !== digest) {
    throw new AlreadyExistsError(`Sandbox ${name} exists with another configuration: ${entry.id}`);
  }
  if (entry.state.kind !== "ready" && entry.state.kind !== "starting") {
    throw new AlreadyExistsError(
      `Sandbox ${name} is ${entry.state.kind}: remove ${entry.id} or ask for a new attempt`,
    );
  }
  return entry.id;
}

/** Reserves the key and records what is going to be done, as one fact, before anything is done. */
function recordIntent(node: Node, wanted: SandboxRequest, origin: SandboxFacts["origin"]): string {
  const provider = providerNamed(node, wanted.profile.provider);
  chooseSize(wanted.profileName, wanted.profile, wanted.config);
  supersede(node, wanted);
  const id = node.ids.id();
  const vmId = node.ids.vmId();
  node.store.transaction("sandbox intent", () => {
    node.store.sandboxes.insert(sandboxRow(node, wanted, { id, vmId, origin }), "sandbox intent");
    node.store.vms.insert({
      vmId,
      provider: wanted.profile.provider,
      sandboxId: id,
      createToken: node.ids.token(),
      createIntentAt: node.clock.now(),
      instanceId: null,
      addresses: [],
      joinToken: provider.localLink ? null : node.ids.secret(),
      boundKey: null,
      firstSessionAt: null,
      epoch: 0,
      bootId: null,
      deleteIntentAt: null,
      deletedAt: null,
    }, "VM intent");
  }, { durable: provider.costsMoney ?? false });
  return id;
}

function sandboxRow(
  node: Node,
  { key, rawConfig, digest, runtimeHandler, profileName, warnings }: SandboxRequest,
  { id, vmId, origin }: Pick<SandboxFacts, "id" | "vmId" | "origin">,
): SandboxFacts {
  return {
    ...key,
    id,
    vmId,
    origin,
    runtimeHandler,
    profile: profileName,
    config: rawConfig,
    configDigest: digest,
    createdAtNs: node.clock.nowNs(),
    warnings,
    configuredAt: null,
    bootId: null,
    readyAt: null,
    addresses: [],
    phases: {},
    stopIntentAt: null,
    stoppedAt: null,
    lostReason: null,
    removeIntentAt: null,
  };
}

/** Of one pod only the newest attempt is started: older ones under way are ended and taken back. */
function supersede(node: Node, { key }: SandboxRequest): void {
  for (const { id, facts, state } of node.model.sandboxes()) {
    if (facts.uid !== key.uid || facts.namespace !== key.namespace || facts.name !== key.name) continue;
    if (facts.attempt > key.attempt && (state.kind === "starting" || state.kind === "ready")) {
      throw new SupersededError(
        `Attempt ${key.attempt} of pod ${key.namespace}/${key.name} is older than ${id}`,
      );
    }
    if (facts.attempt < key.attempt && state.kind === "starting") {
      const reason = new SupersededError(`Attempt ${facts.attempt} was replaced by attempt ${key.attempt}`);
      node.tasks.start(`end of superseded sandbox ${id}`, () => cancelStart(node, id, reason, node.signal));
    }
  }
}

/** Ends the start of a sandbox, whether or not it is under way in this process, and waits until it is taken back. */
export async function cancelStart(node: Node, id: string, reason: Error, signal: AbortSignal): Promise<void> {
  await untilAborted(node.starts.cancel(id, reason), signal);
  await discardSandbox(node, id, signal);
}
