// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { SpoolReader } from "./reader.ts";
import { repairSpool } from "./repair.ts";
import { listSegments, segmentName } from "./segments.ts";
import { SpoolWriter } from "./writer.ts";

const never = new AbortController().signal;
const bytes = (text: string) => new TextEncoder().encode(text);

function temporary() {
  const directory = Deno.makeTempDirSync();
  return { directory, [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }) };
}

async function readAll(reader: SpoolReader, offset: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of reader.read(offset, never)) {
    assert(chunk.length <= 60 * 1024);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

Deno.test("SpoolReader reads from any offset what SpoolWriter wrote into any number of files", async () => {
  const records = fc.array(
    fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom("a", "b", "\n") }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(
      records,
      fc.integer({ min: 1, max: 100 }),
      fc.nat(),
      async (texts, segmentBytes, place) => {
        using test = temporary();
        using writer = new SpoolWriter(test.directory, { segmentBytes });
        for (const text of texts) assert.equal(writer.append([bytes(text)]), undefined);
        const reader = new SpoolReader(test.directory);
        reader.complete(writer.end);
        const offset = place % (writer.end + 1);
        assert.equal(await readAll(reader, offset), texts.join("").slice(offset));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("SpoolReader follows a log until it is complete", async () => {
  using test = temporary();
  using writer = new SpoolWriter(test.directory, { segmentBytes: 10 });
  const reader = new SpoolReader(test.directory);
  const chunks = reader.read(0, never);
  const first = chunks.next();
  writer.append([bytes("one\n")]);
  reader.advance(writer.end);
  assert.deepEqual((await first).value, bytes("one\n"));
  const second = chunks.next();
  writer.append([bytes("two and more\n")]);
  writer.append([bytes("three\n")]);
  reader.advance(writer.end);
  assert.deepEqual((await second).value, bytes("two and more\n"));
  assert.deepEqual((await chunks.next()).value, bytes("three\n"));
  const last = chunks.next();
  reader.complete(writer.end);
  assert.equal((await last).done, true);
});

Deno.test("SpoolReader never reads beyond what it was told of", async () => {
  using test = temporary();
  using writer = new SpoolWriter(test.directory);
  const reader = new SpoolReader(test.directory);
  writer.append([bytes("told\n")]);
  reader.advance(writer.end);
  writer.append([bytes("not yet\n")]);
  const chunks = reader.read(0, never);
  assert.deepEqual((await chunks.next()).value, bytes("told\n"));
  await chunks.return(undefined);
});

Deno.test("SpoolReader stops waiting when its signal aborts", async () => {
  using test = temporary();
  const stop = new AbortController();
  const next = new SpoolReader(test.directory).read(0, stop.signal).next();
  stop.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});

Deno.test("SpoolReader trims whole files only, never the one that is written to", async () => {
  using test = temporary();
  using writer = new SpoolWriter(test.directory, { segmentBytes: 4 });
  const reader = new SpoolReader(test.directory);
  for (const text of ["aaaa\n", "bbbb\n", "cccc\n"]) writer.append([bytes(text)]);
  reader.advance(writer.end);
  await reader.trim(9);
  assert.equal(reader.start, 5);
  await assert.rejects(readAll(reader, 4), RangeError);
  await reader.trim(15);
  assert.equal(reader.start, 10);
  writer.append([bytes("dddd\n")]);
  reader.complete(writer.end);
  assert.equal(await readAll(reader, 10), "cccc\ndddd\n");
  await reader.trim(20);
  assert.deepEqual(listSegments(test.directory), []);
  assert.equal(await readAll(reader, 20), "");
});

Deno.test("SpoolReader refuses an offset behind the end of a complete log", async () => {
  using test = temporary();
  const reader = new SpoolReader(test.directory);
  reader.complete(0);
  await assert.rejects(readAll(reader, 1), /behind the end/);
});

Deno.test("SpoolReader tells a reader that the container was removed", async () => {
  using test = temporary();
  const reader = new SpoolReader(test.directory);
  const next = reader.read(0, never).next();
  reader.remove();
  await assert.rejects(next, /was removed/);
});

Deno.test("SpoolWriter refuses what exceeds the limit until the reader has deleted files", async () => {
  using test = temporary();
  using writer = new SpoolWriter(test.directory, { limit: 20, segmentBytes: 5 });
  for (let i = 0; i < 4; i++) assert.equal(writer.append([bytes("xxxx\n")]), undefined);
  assert.equal(writer.append([bytes("y\n")]), "full");
  assert.equal(writer.end, 20);
  const reader = new SpoolReader(test.directory);
  reader.advance(writer.end);
  await reader.trim(5);
  assert.equal(writer.append([bytes("yyyy\n")]), undefined);
  assert.equal(writer.append([bytes("z\n")]), "full");
  assert.equal(writer.append([bytes("z\n")], 2), undefined);
});

Deno.test("repairSpool() cuts off a record that was being written", () => {
  using test = temporary();
  Deno.writeTextFileSync(`${test.directory}/${segmentName(0)}`, "whole\n");
  Deno.writeTextFileSync(`${test.directory}/${segmentName(6)}`, "also whole\ntorn");
  assert.equal(repairSpool(test.directory), 17);
  assert.equal(Deno.readTextFileSync(`${test.directory}/${segmentName(6)}`), "also whole\n");
  assert.equal(repairSpool(test.directory), 17);
});

Deno.test("repairSpool() finds the end of the last whole record far before the end of the file", () => {
  using test = temporary();
  Deno.writeTextFileSync(`${test.directory}/${segmentName(100)}`, "whole\n" + "x".repeat(200_000));
  assert.equal(repairSpool(test.directory), 106);
});

Deno.test("repairSpool() knows how far a trimmed log had come", () => {
  using test = temporary();
  assert.equal(repairSpool(test.directory), 0);
  Deno.writeTextFileSync(`${test.directory}/${segmentName(700)}`, "torn");
  assert.equal(repairSpool(test.directory), 700);
});
