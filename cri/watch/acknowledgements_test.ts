// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Acknowledgements } from "./acknowledgements.ts";

Deno.test("Acknowledgements never go beyond an event that is not folded", () => {
  const numbers = fc.array(fc.bigInt({ min: 1n, max: 30n }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(numbers, fc.array(fc.nat(19)), (sequences, done) => {
    const acknowledgements = new Acknowledgements();
    const finish = sequences.map((sequence) => acknowledgements.begin(sequence));
    const folded = new Set(done.filter((index) => index < sequences.length));
    for (const index of folded) finish[index]!();
    const open = sequences.filter((_, index) => !folded.has(index));
    const expected = open.length > 0
      ? open.reduce((a, b) => a < b ? a : b) - 1n
      : sequences.reduce((a, b) => a > b ? a : b);
    assert.equal(acknowledgements.folded, expected);
  }));
});

Deno.test("Acknowledgements are sent when they grow, the newest only, until the end", async () => {
  const acknowledgements = new Acknowledgements();
  const sent: bigint[] = [];
  const sending = (async () => {
    for await (const { acknowledged } of acknowledgements) sent.push(acknowledged);
  })();
  const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
  acknowledgements.begin(1n)();
  for (let i = 0; i < 5; i++) await turn();
  const second = acknowledgements.begin(2n);
  const third = acknowledgements.begin(3n);
  third();
  for (let i = 0; i < 5; i++) await turn();
  second();
  for (let i = 0; i < 5; i++) await turn();
  acknowledgements.end();
  await sending;
  assert.deepEqual(sent, [1n, 3n]);
});
