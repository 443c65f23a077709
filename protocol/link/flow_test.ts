// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ACK_STEP,
  Arrivals,
  Budget,
  frameCost,
  InFlight,
  MIN_CREDIT_STEP,
  ReceiveWindow,
  SendWindow,
} from "./flow.ts";
import { FrameError, MAX_PAYLOAD_BYTES } from "./frame.ts";
import { MAX_WINDOW, MIN_WINDOW } from "./limits.ts";
import { CloseCode } from "./session_end.ts";

const WINDOW = 262_144;

Deno.test("ReceiveWindow refuses the first byte beyond the credit, as CREDIT_EXCEEDED", () => {
  const window = new ReceiveWindow(WINDOW);
  window.spend(WINDOW);
  assert.throws(() => window.spend(1), (error) => {
    assert(error instanceof FrameError);
    assert.equal(error.closeCode, CloseCode.CREDIT_EXCEEDED);
    return true;
  });
});

Deno.test("ReceiveWindow gives credit back in steps of a quarter of the window", () => {
  const window = new ReceiveWindow(WINDOW);
  window.spend(WINDOW);
  assert.equal(window.giveBack(WINDOW / 4 - 1), 0);
  assert.equal(window.giveBack(1), WINDOW / 4);
  window.spend(WINDOW / 4);
  assert.throws(() => window.spend(1), FrameError);
});

Deno.test("SendWindow waits for credit rather than send crumbs", () => {
  const window = new SendWindow(100_000);
  assert.equal(window.fragment(1_000_000), MAX_PAYLOAD_BYTES);
  window.spend(90_000);
  assert.equal(window.fragment(1_000_000), -1);
  assert.equal(window.fragment(9_936), 9_936);
  assert.equal(window.fragment(9_937), -1);
  window.grant(MIN_CREDIT_STEP);
  assert.equal(window.fragment(1_000_000), 10_000 + MIN_CREDIT_STEP - frameCost(0));
});

Deno.test("SendWindow refuses crumbs of credit and more credit than anybody may give", () => {
  assert.throws(() => new SendWindow(1).grant(MIN_CREDIT_STEP - 1), /gives back only 16383 bytes/);
  const window = new SendWindow(MAX_WINDOW);
  assert.throws(() => window.grant(MIN_CREDIT_STEP), /raises the credit to/);
});

Deno.test("A sender and a consumer that takes everything never wait for each other", () => {
  const sizes = fc.array(fc.nat(200_000), { minLength: 1, maxLength: 40 });
  fc.assert(fc.property(sizes, fc.integer({ min: MIN_WINDOW, max: WINDOW }), (messages, size) => {
    const sender = new SendWindow(size);
    const receiver = new ReceiveWindow(size);
    for (const length of messages) {
      let left = length;
      do {
        const bytes = sender.fragment(left);
        assert(bytes >= 0, "Sender waits although everything was consumed");
        left -= bytes;
        sender.spend(frameCost(bytes));
        receiver.spend(frameCost(bytes));
        const grant = receiver.giveBack(frameCost(bytes));
        if (grant > 0) sender.grant(grant);
      } while (left > 0);
    }
  }));
});

Deno.test("InFlight has room for its limit and again for what is acknowledged", () => {
  const inFlight = new InFlight(4 * ACK_STEP);
  inFlight.sent(3 * ACK_STEP);
  assert(inFlight.hasRoom(ACK_STEP));
  assert(!inFlight.hasRoom(ACK_STEP + 1));
  inFlight.acknowledged(2 * ACK_STEP);
  assert(inFlight.hasRoom(3 * ACK_STEP));
});

Deno.test("InFlight refuses crumbs and an acknowledgement of what was never sent", () => {
  const inFlight = new InFlight(4 * ACK_STEP);
  inFlight.sent(ACK_STEP + 5);
  assert.throws(() => inFlight.acknowledged(ACK_STEP - 1), /acknowledges only/);
  assert.throws(() => inFlight.acknowledged(ACK_STEP + 6), /acknowledges 131078 bytes of 131077/);
});

Deno.test("Arrivals acknowledges everything once a step is full", () => {
  const arrivals = new Arrivals();
  assert.equal(arrivals.received(ACK_STEP - 1), 0);
  assert.equal(arrivals.received(10), ACK_STEP + 9);
  assert.equal(arrivals.received(10), 0);
});

Deno.test("Budget refuses what does not fit and takes nothing then", () => {
  const budget = new Budget(100);
  assert(budget.take(60));
  assert(!budget.take(41));
  assert.equal(budget.used, 60);
  budget.give(60);
  assert(budget.take(100));
});
