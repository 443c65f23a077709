// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { PodView } from "../http/api.ts";
import type { StartPhase } from "./start_phases.ts";

/** A pod whose start was accepted. */
export interface AcceptedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The phases of its VM's start as they end. Ends with the start, whether that succeeds or not. */
  readonly phases: ReadableStream<StartPhase>;
  /** Resolves when its VM is ready and every container runs or has ended; rejects with why not. */
  readonly running: Promise<PodView>;
}

export interface RunOptions {
  /** Over that of the manifest. */
  readonly namespace?: string | undefined;
  /** Removes the pod if it does not come to run. Without, it stays and its containers are tried again. */
  readonly removeOnFailure: boolean;
  readonly signal: AbortSignal;
}
