// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { install } from "@sinonjs/fake-timers";
import { MAX_AHEAD_BYTES, Outbound } from "./outbound.ts";

Deno.test("Outbound.room() is there at once up to the limit", async () => {
  const outbound = new Outbound({ bytesWritten: 1000 });
  outbound.add(MAX_AHEAD_BYTES);
  await outbound.room(new AbortController().signal);
});

Deno.test("Outbound.room() waits beyond the limit until the socket has caught up", async () => {
  const clock = install();
  try {
    const socket = { bytesWritten: 0 };
    const outbound = new Outbound(socket);
    let there = false;
    outbound.add(MAX_AHEAD_BYTES + 1);
    const room = outbound.room(new AbortController().signal).then(() => there = true);
    await clock.tickAsync(10_000);
    assert.equal(there, false);
    socket.bytesWritten = 1;
    await clock.tickAsync(100);
    assert.equal(there, true);
    await room;
  } finally {
    clock.uninstall();
  }
});

Deno.test("Outbound.room() does not wait for bytes that other calls have written", async () => {
  const socket = { bytesWritten: 0 };
  const outbound = new Outbound(socket);
  for (let n = 0; n < 100; n++) {
    outbound.add(MAX_AHEAD_BYTES);
    socket.bytesWritten += 2 * MAX_AHEAD_BYTES;
  }
  await outbound.room(new AbortController().signal);
  outbound.add(MAX_AHEAD_BYTES + 1);
  await assert.rejects(outbound.room(AbortSignal.abort(new Error("Still waits"))), /^Error: Still waits$/);
});

Deno.test("Outbound.room() ends with the signal's reason and leaves no timer", async () => {
  const controller = new AbortController();
  const outbound = new Outbound({ bytesWritten: 0 });
  outbound.add(MAX_AHEAD_BYTES + 1);
  const room = outbound.room(controller.signal);
  controller.abort(new Error("Gone"));
  await assert.rejects(room, /^Error: Gone$/);
});
