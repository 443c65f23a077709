// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The kubelet's figures (pkg/kubelet: `backOffPeriod`, `MaxContainerBackOff`). */
export const FIRST_DELAY_MS = 10_000;
export const GREATEST_DELAY_MS = 300_000;
/** A run that lasted so long is forgiven: the next restart is immediate again. */
export const FORGIVEN_AFTER_MS = 2 * GREATEST_DELAY_MS;

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** One run of a container, as far as the next step depends on it. */
export interface Run {
  readonly id: string;
  readonly attempt: number;
  readonly kind: "creating" | "created" | "unknown" | "running" | "exited";
  /** Of a run that has exited. Milliseconds since the epoch; a run that never started has the same time twice. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  /** What this run was held back. */
  readonly delayMs: number;
}

/** What is to be done about a container. */
export type Step =
  | { readonly kind: "create"; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: "start"; readonly id: string }
  /** Nothing before that time, in milliseconds since the epoch. */
  | { readonly kind: "hold"; readonly until: number }
  /** Nothing before something changes: it runs, or is being found out about. */
  | { readonly kind: "wait" }
  /** It has ended and stays so. */
  | { readonly kind: "done" };

/**
 * The next step for a container with these runs (in any order): it is restarted as its policy says, at once after its
 * first end, then 10 s after the end, doubling to 5 min, from the beginning again after a run of 10 min.
 */
export function nextStep(runs: readonly Run[], policy: RestartPolicy, now: number): Step {
  const last = lastRun(runs);
  if (!last) return { kind: "create", attempt: 0, delayMs: 0 };
  switch (last.kind) {
    case "created":
      return { kind: "start", id: last.id };
    case "creating":
    case "unknown":
    case "running":
      return { kind: "wait" };
    case "exited":
      return afterExit(last, policy, now);
  }
}

/** The run that counts: the one with the greatest attempt. */
export function lastRun<R extends Pick<Run, "attempt">>(runs: readonly R[]): R | undefined {
  return runs.reduce<R | undefined>(
    (last, run) => last && last.attempt > run.attempt ? last : run,
    undefined,
  );
}

function afterExit(last: Run, policy: RestartPolicy, now: number): Step {
  if (policy === "Never" || (policy === "OnFailure" && last.exitCode === 0)) return { kind: "done" };
  const delayMs = delayAfter(last);
  const until = last.finishedAt + delayMs;
  return until > now ? { kind: "hold", until } : { kind: "create", attempt: last.attempt + 1, delayMs };
}

/** How long the run after this one is held back. */
function delayAfter({ attempt, delayMs, startedAt, finishedAt }: Run): number {
  if (attempt === 0 || finishedAt - startedAt >= FORGIVEN_AFTER_MS) return 0;
  return delayMs === 0 ? FIRST_DELAY_MS : Math.min(2 * delayMs, GREATEST_DELAY_MS);
}
