// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { sandboxRow } from "../testing/rows.ts";
import type { SandboxFacts } from "./facts.ts";
import { isReady, sandboxState, wasReady } from "./sandbox_state.ts";

const cases: [string, Partial<SandboxFacts>, string, boolean][] = [
  ["intent", {}, "starting", false],
  ["configured", { configuredAt: 1 }, "starting", false],
  ["start failed", { removeIntentAt: 2 }, "undoing", false],
  ["ready", { readyAt: 1 }, "ready", true],
  ["being fenced", { readyAt: 1, lostReason: "silent" }, "ready", true],
  ["stop asked for", { readyAt: 1, stopIntentAt: 2 }, "stopping", true],
  ["stopped", { readyAt: 1, stopIntentAt: 2, stoppedAt: 3 }, "stopped", false],
  ["lost", { readyAt: 1, stoppedAt: 3, lostReason: "gone" }, "lost", false],
  ["removed while it runs", { readyAt: 1, removeIntentAt: 2 }, "removing", true],
  ["removed after stop", { readyAt: 1, stoppedAt: 2, removeIntentAt: 3 }, "removing", false],
];

for (const [what, facts, kind, ready] of cases) {
  Deno.test(`sandboxState() of a sandbox with facts "${what}" is ${kind}`, () => {
    const state = sandboxState(sandboxRow(facts));
    assert.equal(state.kind, kind);
    assert.equal(isReady(state), ready);
    assert.equal(wasReady(state), facts.readyAt !== undefined);
  });
}

Deno.test("sandboxState() never calls READY what was not ready or whose VM is gone", () => {
  const time = fc.option(fc.nat(), { nil: null });
  const facts = fc.record({
    readyAt: time,
    stopIntentAt: time,
    stoppedAt: time,
    removeIntentAt: time,
    lostReason: fc.option(fc.string(), { nil: null }),
  });
  fc.assert(fc.property(facts, (each) => {
    const expected = each.readyAt !== null && each.stoppedAt === null;
    assert.equal(isReady(sandboxState(sandboxRow(each))), expected);
  }));
});
