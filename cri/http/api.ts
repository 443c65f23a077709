// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The client API, version 1: JSON over HTTP/1.1 on a unix socket whose permissions are the access control.
 *
 *     POST   /v1/pods                          a Pod manifest as JSON; answers a stream of RunEvent, one JSON a line
 *     GET    /v1/pods?namespace=               { pods: PodView[] }
 *     GET    /v1/pods/:namespace/:name         PodView
 *     DELETE /v1/pods/:namespace/:name?grace=  { } when it is gone; grace in seconds
 *     GET    /v1/pods/:namespace/:name/logs?container=&follow=&previous=&tail=&timestamps=    text
 *     POST   /v1/pods/:namespace/:name/exec?container=   ExecBody; answers a stream of frames (exec_frames.ts)
 *     GET    /v1/version                       { version }
 *
 * Failures have an HTTP status and an {@linkcode ErrorBody}. Times are RFC 3339 in UTC, spans milliseconds.
 * @module
 */

/** A pod as people ask for it. */
export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly phase: PodPhase;
  /** Why it is in this phase, where there is more to say: `CrashLoopBackOff`, `VmLost: …`. */
  readonly reason: string;
  readonly createdAt: string;
  readonly readyAt: string | null;
  /** The pod's IP first. Empty until the VM has one. */
  readonly addresses: readonly string[];
  readonly profile: string;
  readonly vm: { readonly id: string; readonly provider: string; readonly instanceId: string | null };
  readonly restartPolicy: string;
  /** Milliseconds that each phase of the start took, in order. */
  readonly phases: Readonly<Record<string, number>>;
  readonly containers: readonly ContainerView[];
  readonly warnings: readonly string[];
}

/** As Kubernetes' PodPhase, and two that say what it hides. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Terminating" | "Lost";

export interface ContainerView {
  readonly name: string;
  readonly image: string;
  readonly id: string | null;
  readonly state: "waiting" | "running" | "exited";
  readonly reason: string;
  readonly message: string;
  readonly restarts: number;
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly exitCode: number | null;
  /** When a container that ended is started again. */
  readonly restartAt: string | null;
}

/** What `POST /v1/pods` tells while a pod starts. The last event is `running`, `accepted` (with `wait=false`) or `failed`. */
export type RunEvent =
  | { readonly event: "accepted"; readonly namespace: string; readonly name: string; readonly uid: string }
  | { readonly event: "phase"; readonly phase: string; readonly ms: number }
  | { readonly event: "running"; readonly pod: PodView }
  | { readonly event: "failed"; readonly error: ErrorDetail };

export interface ExecBody {
  readonly command: readonly string[];
}

export interface ErrorBody {
  readonly error: ErrorDetail;
}

export interface ErrorDetail {
  /** Name of a gRPC status code. */
  readonly code: string;
  readonly message: string;
  /** Fields of a manifest that were refused. */
  readonly problems?: readonly FieldProblem[];
}

export interface FieldProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly given?: string;
}
