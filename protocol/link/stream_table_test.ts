// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { OutgoingCall } from "./outgoing_call.ts";
import { StreamTable } from "./stream_table.ts";
import { FakeClock } from "./testing/fake_clock.ts";

const call = {} as OutgoingCall;

Deno.test("StreamTable counts ids in steps of two until they are used up", () => {
  const odd = new StreamTable(1, DEFAULT_LIMITS, new FakeClock());
  assert.deepEqual([odd.add(call), odd.add(call), odd.add(call)], [1, 3, 5]);
  const last = new StreamTable(0xffff_fffd, DEFAULT_LIMITS, new FakeClock());
  assert.deepEqual([last.add(call), last.add(call), last.add(call)], [0xffff_fffd, 0xffff_ffff, undefined]);
  assert.throws(() => last.admit(0xffff_ffff), /id of this side/);
  assert.throws(() => last.admit(1), /id of this side/);
  last.admit(0xffff_fffe);
});
