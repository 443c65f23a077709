// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { nextStep, type RestartPolicy, type Run, type Step } from "./restart.ts";

const NOW = 1_000_000_000;

function run(patch: Partial<Run> = {}): Run {
  const ended = { startedAt: NOW - 5000, finishedAt: NOW, exitCode: 1 };
  return { id: `run-${patch.attempt ?? 0}`, attempt: 0, kind: "exited", delayMs: 0, ...ended, ...patch };
}

const TABLE: readonly (readonly [what: string, runs: readonly Run[], policy: RestartPolicy, step: Step])[] = [
  ["creates the first run", [], "Never", { kind: "create", attempt: 0, delayMs: 0 }],
  ["starts what was created", [run({ kind: "created" })], "Never", { kind: "start", id: "run-0" }],
  ["leaves alone what runs", [run({ kind: "running" })], "Always", { kind: "wait" }],
  ["waits until it is known whether it runs", [run({ kind: "unknown" })], "Always", { kind: "wait" }],
  ["waits while it is being created", [run({ kind: "creating" })], "Always", { kind: "wait" }],
  ["never restarts with Never", [run()], "Never", { kind: "done" }],
  ["lets success be with OnFailure", [run({ exitCode: 0 })], "OnFailure", { kind: "done" }],
  ["restarts a failure with OnFailure", [run()], "OnFailure", { kind: "create", attempt: 1, delayMs: 0 }],
  ["restarts success with Always", [run({ exitCode: 0 })], "Always", {
    kind: "create",
    attempt: 1,
    delayMs: 0,
  }],
  ["holds the second restart for 10 s", [run(), run({ attempt: 1 })], "Always", {
    kind: "hold",
    until: NOW + 10_000,
  }],
  [
    "counts the delay from the end, not from now",
    [run({ attempt: 1, finishedAt: NOW - 10_000 })],
    "Always",
    { kind: "create", attempt: 2, delayMs: 10_000 },
  ],
  ["doubles the delay", [run({ attempt: 2, delayMs: 10_000 })], "Always", {
    kind: "hold",
    until: NOW + 20_000,
  }],
  ["stops doubling at 5 min", [run({ attempt: 9, delayMs: 300_000 })], "Always", {
    kind: "hold",
    until: NOW + 300_000,
  }],
  [
    "forgives after a run of 10 min",
    [run({ attempt: 9, delayMs: 300_000, startedAt: NOW - 600_000 })],
    "Always",
    { kind: "create", attempt: 10, delayMs: 0 },
  ],
  [
    "goes by the last run in whatever order they come",
    [run({ attempt: 3, kind: "running" }), run({ attempt: 2 })],
    "Always",
    { kind: "wait" },
  ],
];

for (const [what, runs, policy, step] of TABLE) {
  Deno.test(`nextStep() ${what}`, () => assert.deepEqual(nextStep(runs, policy, NOW), step));
}

Deno.test("nextStep() spaces the restarts of a container that always fails as a kubelet does", () => {
  let now = NOW;
  let last = run({ startedAt: now, finishedAt: now });
  const delays: number[] = [];
  while (delays.length < 9) {
    const step = nextStep([last], "Always", now);
    if (step.kind === "hold") {
      now = step.until;
      continue;
    }
    assert(step.kind === "create");
    delays.push((now - last.finishedAt) / 1000);
    last = run({ attempt: step.attempt, delayMs: step.delayMs, startedAt: now, finishedAt: now });
  }
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300, 300]);
});
