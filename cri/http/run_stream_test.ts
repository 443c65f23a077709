// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { UnavailableError } from "../../lib/errors.ts";
import { StartPhases } from "../pods/start_phases.ts";
import type { PodView } from "./api.ts";
import { runStream } from "./run_stream.ts";

function accepted() {
  const phases = new StartPhases();
  const running = Promise.withResolvers<PodView>();
  running.promise.catch(() => {});
  return {
    phases,
    running,
    pod: { namespace: "n", name: "p", uid: "u", phases: phases.stream, running: running.promise },
  };
}

async function eventsOf(stream: ReadableStream<Uint8Array>): Promise<unknown[]> {
  const text = await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const ACCEPTED = { event: "accepted", namespace: "n", name: "p", uid: "u" };
const NEVER = new AbortController().signal;

Deno.test("runStream() tells of a start as it goes on, and last of the pod", async () => {
  const { phases, running, pod } = accepted();
  const events = eventsOf(runStream(pod, true, NEVER));
  phases.add("create", 12);
  phases.end();
  running.resolve({ name: "p" } as PodView);
  assert.deepEqual(await events, [
    ACCEPTED,
    { event: "phase", phase: "create", ms: 12 },
    { event: "running", pod: { name: "p" } },
  ]);
});

Deno.test("runStream() tells why a start failed", async () => {
  const { phases, running, pod } = accepted();
  const events = eventsOf(runStream(pod, true, NEVER));
  phases.end();
  running.reject(new UnavailableError("No room"));
  assert.deepEqual((await events)[1], {
    event: "failed",
    error: { code: "UNAVAILABLE", message: "No room" },
  });
});

Deno.test("runStream() tells no more than that a pod was accepted if nobody wants to wait", async () => {
  const { pod } = accepted();
  assert.deepEqual(await eventsOf(runStream(pod, false, NEVER)), [ACCEPTED]);
});

for (const when of ["while phases come", "after the last phase"]) {
  Deno.test(`runStream() ends without a last event when the process ends ${when}`, async () => {
    const { phases, pod } = accepted();
    const ending = new AbortController();
    const events = eventsOf(runStream(pod, true, ending.signal));
    if (when !== "while phases come") phases.end();
    ending.abort(new Error("The process ends"));
    assert.deepEqual(await events, [ACCEPTED]);
    phases.add("late", 1);
  });
}
