// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { bytes, chunks, collect, link, turn } from "./testing/linked.ts";

const KIB = 1024;

Deno.test("A consumer that does not read holds the producer at one window", async () => {
  let produced = 0;
  using linked = link({
    download: async function* () {
      for (; produced < 1000; produced++) yield await Promise.resolve({ value: bytes(10_000) });
    },
  });
  const iterator = linked.echo.download({})[Symbol.asyncIterator]();
  await iterator.next();
  await turn();
  const held = produced;
  assert(held <= 28, `${held} messages of 10,000 bytes were produced for a window of 256 KiB`);
  assert(linked.dialer.usage.receivedBytes <= 256 * KIB + 28 * 512);
  await turn();
  assert.equal(produced, held);
  for (let i = 0; i < 500; i++) await iterator.next();
  assert(produced >= 500 && produced <= 530);
  await iterator.return?.();
  await turn();
  assert.equal(linked.dialer.usage.receivedBytes, 0);
});

Deno.test("A stream that nobody reads does not hold up the others", async () => {
  using linked = link({ download: ({ value }) => chunks(value, 60_000) });
  const stuck = linked.echo.download({ value: 1000 })[Symbol.asyncIterator]();
  await stuck.next();
  assert.equal((await collect(linked.echo.download({ value: 100 }))).length, 100);
  await stuck.return?.();
});

Deno.test("A small call is answered while bulk data waits for its turn", async () => {
  let produced = 0;
  using linked = link({
    say: (request) => request,
    download: async function* ({ value }) {
      for (let i = 0; i < value; i++) {
        produced += 1;
        yield await Promise.resolve({ value: bytes(60_000) });
      }
    },
  });
  const bulk = [1, 2, 3].map(() => collect(linked.echo.download({ value: 300 })));
  await linked.echo.say({});
  const before = produced;
  await linked.echo.say({});
  // What was in flight goes first: at most 512 KiB each way, and what the consumer acknowledged meanwhile.
  assert(
    produced - before <= 2 * 512 * KIB / 60_000 + 6,
    `${produced - before} chunks overtook a small call`,
  );
  assert(produced < 900);
  assert.deepEqual((await Promise.all(bulk)).map(({ length }) => length), [300, 300, 300]);
});

Deno.test("Streams side by side progress alike", async () => {
  using linked = link({ download: ({ value }) => chunks(value, 60_000) });
  const counts = [0, 0, 0, 0];
  let worst = 0;
  await Promise.all(counts.map(async (_, i) => {
    for await (const _ of linked.echo.download({ value: 100 })) {
      counts[i]! += 1;
      if (Math.max(...counts) < 100) worst = Math.max(worst, Math.max(...counts) - Math.min(...counts));
    }
  }));
  assert.deepEqual(counts, [100, 100, 100, 100]);
  assert(worst <= 10, `One stream was ${worst} chunks ahead of another`);
});

Deno.test("Messages of any size arrive whole and in order on any number of streams, both ways at once", async () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(70_000), fc.nat(600_000)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 1, maxLength: 5 }), async (streams) => {
      using linked = link({
        chat: async function* (requests) {
          for await (const { value } of requests) yield { value };
        },
      }, { limits: { window: 131_072 } });
      const echoed = streams.map((lengths, stream) => collect(linked.echo.chat(messages(lengths, stream))));
      for (const [stream, lengths] of streams.entries()) {
        const received = await echoed[stream]!;
        assert.deepEqual(received.map(({ value }) => value.length), lengths);
        for (const { value } of received) assert(value.every((byte) => byte === stream));
      }
      assert.equal(linked.dialer.usage.receivedBytes + linked.listener.usage.receivedBytes, 0);
    }),
    { numRuns: 40 },
  );
});

async function* messages(lengths: number[], fill: number) {
  for (const length of lengths) yield await Promise.resolve({ value: bytes(length, fill) });
}
