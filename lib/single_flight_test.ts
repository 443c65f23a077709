// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { SingleFlight } from "./single_flight.ts";

Deno.test("SingleFlight.run() lets everybody with one key join one piece of work", async () => {
  const flights = new SingleFlight<number>();
  const gate = Promise.withResolvers<number>();
  let begun = 0;
  const work = () => (begun++, gate.promise);
  const waiting = [flights.run("a", work), flights.run("a", work), flights.run("b", work)];
  assert.equal(begun, 2);
  assert.equal(flights.size, 2);
  gate.resolve(5);
  assert.deepEqual(await Promise.all(waiting), [5, 5, 5]);
  assert.equal(flights.size, 0);
});

Deno.test("SingleFlight.run() begins anew after the work has ended, also when it failed", async () => {
  const flights = new SingleFlight<number>();
  await assert.rejects(
    flights.run("a", () => {
      throw new Error("failed");
    }),
    /failed/,
  );
  assert.equal(flights.get("a"), undefined);
  assert.equal(await flights.run("a", () => Promise.resolve(2)), 2);
});
