// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { SandboxFacts } from "./facts.ts";

/**
 * What a sandbox is, computed from its facts.
 *
 *               intent            ready                stop intent            VM confirmed gone
 *     (no row) ───────▶ starting ───────▶ ready ─────────────────▶ stopping ─────────────────▶ stopped ──┐
 *        ▲                 │                │                                                            │
 *        │      failed,    │                │ VM gone: fenced first                                      │
 *        │    superseded   ▼                └────────────────────────────────────────────────▶ lost ─────┤
 *        ├───────────── undoing                                                                          │
 *        │                                                                           remove intent       ▼
 *        └────────────────────────────────────────────────────────────────────────────────────────── removing
 *
 * CRI knows two of these: READY is `ready` and `stopping` (the last known state stands until the VM is confirmed gone),
 * NOTREADY is `stopped` and `lost`. What never was ready is in no list: a NOTREADY entry of a start that goes on would
 * make the kubelet ask for a second VM.
 */
export type SandboxState =
  | { readonly kind: "starting" }
  | { readonly kind: "undoing"; readonly since: number }
  | { readonly kind: "ready"; readonly since: number }
  | { readonly kind: "stopping"; readonly since: number }
  | { readonly kind: "stopped"; readonly at: number }
  | { readonly kind: "lost"; readonly at: number; readonly reason: string }
  /** `vmGone` is false if removing was asked for while it ran, until its VM is confirmed gone. */
  | { readonly kind: "removing"; readonly since: number; readonly vmGone: boolean };

/** The state of a sandbox with these facts. */
export function sandboxState(facts: SandboxFacts): SandboxState {
  const { readyAt, stopIntentAt, stoppedAt, lostReason, removeIntentAt } = facts;
  if (readyAt === null) {
    const since = removeIntentAt ?? stopIntentAt;
    return since === null ? { kind: "starting" } : { kind: "undoing", since };
  }
  if (removeIntentAt !== null) return { kind: "removing", since: removeIntentAt, vmGone: stoppedAt !== null };
  if (stoppedAt !== null) {
    return lostReason === null
      ? { kind: "stopped", at: stoppedAt }
      : { kind: "lost", at: stoppedAt, reason: lostReason };
  }
  if (stopIntentAt !== null) return { kind: "stopping", since: stopIntentAt };
  return { kind: "ready", since: readyAt };
}

/** Whether CRI calls it READY. */
export function isReady(state: SandboxState): boolean {
  switch (state.kind) {
    case "ready":
    case "stopping":
      return true;
    case "removing":
      return !state.vmGone;
    case "starting":
    case "undoing":
    case "stopped":
    case "lost":
      return false;
  }
}

/** Whether there is something that lists may show. */
export function wasReady(state: SandboxState): boolean {
  return state.kind !== "starting" && state.kind !== "undoing";
}
