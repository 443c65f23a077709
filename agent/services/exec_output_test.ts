// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { MergedOutput } from "./exec_output.ts";

/** A stream that gives `chunks` and counts how many were asked for. */
function source(chunks: readonly number[]) {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const length = chunks[pulled++];
      if (length === undefined) controller.close();
      else controller.enqueue(new Uint8Array(length));
    },
  }, { highWaterMark: 0 });
  return { stream, pulled: () => pulled };
}

async function sizes(output: MergedOutput): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = { stdout: [], stderr: [] };
  for await (const { case: name, value } of output.chunks()) found[name]!.push(value.length);
  return found;
}

Deno.test("MergedOutput gives both outputs in pieces that fit a frame", async () => {
  await using output = new MergedOutput({
    stdout: source([100_000, 5]).stream,
    stderr: source([7]).stream,
    limit: 0,
  });
  assert.deepEqual(await sizes(output), { stdout: [61_440, 38_560, 5], stderr: [7] });
});

Deno.test("MergedOutput keeps so many bytes of each and reads on to the end", async () => {
  const stdout = source([8, 8, 8, 8]);
  await using output = new MergedOutput({ stdout: stdout.stream, stderr: source([20]).stream, limit: 12 });
  assert.deepEqual(await sizes(output), { stdout: [8, 4], stderr: [12] });
  assert.equal(stdout.pulled(), 5);
});

Deno.test("MergedOutput makes the process wait for a slow reader", async () => {
  const stdout = source([1, 1, 1, 1, 1]);
  await using output = new MergedOutput({ stdout: stdout.stream, stderr: source([]).stream, limit: 0 });
  const chunks = output.chunks();
  await chunks.next();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(stdout.pulled(), 1);
  await chunks.next();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(stdout.pulled(), 2);
});

Deno.test("MergedOutput ends on demand although an output stays open", async () => {
  const open = new ReadableStream<Uint8Array>();
  await using output = new MergedOutput({ stdout: source([3]).stream, stderr: open, limit: 0 });
  const chunks = output.chunks();
  assert.equal((await chunks.next()).value?.value.length, 3);
  const next = chunks.next();
  output.end();
  assert.equal((await next).done, true);
});

Deno.test("MergedOutput passes on why an output broke", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broken pipe")),
  });
  await using output = new MergedOutput({ stdout: broken, stderr: source([]).stream, limit: 0 });
  await assert.rejects(sizes(output), /broken pipe/);
});

Deno.test("MergedOutput that nobody reads to its end lets go of a chunk that comes in several pieces", async () => {
  const stdout = source([200_000, 1]);
  const output = new MergedOutput({ stdout: stdout.stream, stderr: source([]).stream, limit: 0 });
  const chunks = output.chunks();
  await chunks.next();
  await chunks.return(undefined);
  await output[Symbol.asyncDispose]();
  assert.equal(stdout.pulled(), 1);
});
