// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { ContainerView, PodPhase, PodView } from "../http/api.ts";
import type { ContainerEntry } from "../state/container_entry.ts";
import type { Model } from "../state/model.ts";
import type { SandboxEntry } from "../state/sandbox_entry.ts";
import type { Trouble } from "./keeper.ts";
import type { ManifestContainer, PodManifest } from "./manifest.ts";
import { runsOf } from "./pod_runs.ts";
import { lastRun, nextStep } from "./restart.ts";

export interface ViewOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly troubleOf: (container: string) => Trouble | undefined;
}

/** A stand-alone pod as the client API shows it. */
export function podView(
  model: Pick<Model, "containersOf">,
  sandbox: SandboxEntry,
  manifest: PodManifest,
  options: ViewOptions,
): PodView {
  const { facts, vm } = sandbox;
  const containers = manifest.spec.containers.map((container) =>
    containerView(model, sandbox, manifest, container, options)
  );
  const { phase, reason } = podPhase(sandbox, containers);
  return {
    namespace: facts.namespace,
    name: facts.name,
    uid: facts.uid,
    phase,
    reason,
    createdAt: iso(Number(facts.createdAtNs / 1_000_000n)),
    readyAt: facts.readyAt === null ? null : iso(facts.readyAt),
    addresses: facts.addresses,
    profile: facts.profile,
    vm: { id: facts.vmId, provider: vm?.provider ?? "", instanceId: vm?.instanceId ?? null },
    restartPolicy: manifest.spec.restartPolicy,
    phases: facts.phases,
    containers,
    warnings: warningsOf(model, sandbox),
  };
}

function containerView(
  model: Pick<Model, "containersOf">,
  sandbox: SandboxEntry,
  manifest: PodManifest,
  { name, image }: ManifestContainer,
  { now, troubleOf }: ViewOptions,
): ContainerView {
  const runs = runsOf(model, sandbox.id, name);
  const last = lastRun(runs);
  const entry = [...model.containersOf(sandbox.id)].find(({ id }) => id === last?.id);
  const trouble = troubleOf(name);
  const step = sandbox.state.kind === "ready" ? nextStep(runs, manifest.spec.restartPolicy, now) : undefined;
  const restartAt = trouble?.retryAt ?? (step?.kind === "hold" ? step.until : null);
  return {
    name,
    image,
    id: last?.id ?? null,
    restarts: last?.attempt ?? 0,
    ...stateOf(entry, trouble),
    restartAt: restartAt === null ? null : iso(restartAt),
  };
}

type StateView = Omit<ContainerView, "name" | "image" | "id" | "restarts" | "restartAt">;

function stateOf(entry: ContainerEntry | undefined, trouble: Trouble | undefined): StateView {
  const nothing = { pid: null, startedAt: null, finishedAt: null, exitCode: null };
  if (trouble && entry?.state.kind !== "running") {
    return { ...nothing, state: "waiting", reason: trouble.reason, message: trouble.message };
  }
  const agent = entry?.agentState;
  switch (entry?.state.kind) {
    case "running":
      return {
        ...nothing,
        state: "running",
        reason: "",
        message: "",
        pid: agent?.pid || null,
        startedAt: time(agent?.startedAt),
      };
    case "exited":
      return {
        state: "exited",
        reason: agent?.reason ?? "",
        message: messageOf(entry),
        pid: null,
        startedAt: time(agent?.startedAt),
        finishedAt: time(agent?.finishedAt),
        exitCode: agent?.exitCode ?? null,
      };
    default:
      return { ...nothing, state: "waiting", reason: "ContainerCreating", message: "" };
  }
}

/** What the container itself left behind says more than what the engine saw. */
function messageOf({ agentState }: ContainerEntry): string {
  if (!agentState) return "";
  return new TextDecoder().decode(agentState.terminationMessage) || agentState.message;
}

function podPhase(
  sandbox: SandboxEntry,
  containers: readonly ContainerView[],
): { phase: PodPhase; reason: string } {
  switch (sandbox.state.kind) {
    case "starting":
      return { phase: "Pending", reason: "Starting" };
    case "lost":
      return { phase: "Lost", reason: `VmLost: ${sandbox.state.reason}` };
    case "undoing":
    case "stopping":
    case "stopped":
    case "removing":
      return { phase: "Terminating", reason: "" };
    case "ready":
      return runningPhase(containers);
  }
}

function runningPhase(containers: readonly ContainerView[]): { phase: PodPhase; reason: string } {
  const held = containers.find(({ state, restartAt }) => state !== "running" && restartAt !== null);
  const reason = held ? held.state === "exited" ? "CrashLoopBackOff" : held.reason : "";
  if (
    containers.some(({ state }) => state === "waiting") &&
    !containers.some(({ state }) => state === "running")
  ) {
    return { phase: "Pending", reason: reason || "ContainerCreating" };
  }
  if (held || containers.some(({ state }) => state !== "exited")) return { phase: "Running", reason };
  return { phase: containers.every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed", reason: "" };
}

function warningsOf(model: Pick<Model, "containersOf">, sandbox: SandboxEntry): string[] {
  const ofContainers = [...model.containersOf(sandbox.id)].flatMap(({ facts }) => facts.warnings);
  return [...new Set([...sandbox.facts.warnings, ...ofContainers])];
}

function time(nanoseconds: bigint | undefined): string | null {
  return nanoseconds ? iso(Number(nanoseconds / 1_000_000n)) : null;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
