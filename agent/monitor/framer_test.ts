// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Batch, Framer, MAX_RECORD_TEXT } from "./framer.ts";

const STAMP = "2026-11-21T07:00:00.123456789Z";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A sink that keeps everything, or what `accepts` says. */
function collect(accepts: (batch: Batch) => boolean = () => true) {
  const log: string[] = [];
  const seen = { offered: 0, skipped: 0 };
  const sink = {
    append(batch: Batch): boolean {
      seen.offered += batch.records;
      if (!accepts(batch)) return false;
      log.push(decoder.decode(batch.bytes));
      return true;
    },
    skipped: () => void (seen.skipped += 1),
  };
  return { sink, seen, text: () => log.join("") };
}

/** What a reader of records makes of them: the lines, each with its newline unless the stream ended without. */
function join(text: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const record of text.split("\n").slice(0, -1)) {
    assert.match(record, /^2026-11-21T07:00:00\.123456789Z stdout [FP] /);
    assert(record.length - 40 <= MAX_RECORD_TEXT);
    open += record.slice(40);
    if (record[38] === "P") continue;
    lines.push(open);
    open = "";
  }
  assert.equal(open, "");
  return lines;
}

function frame(chunks: readonly Uint8Array[], batchBytes?: number): string {
  const { sink, text } = collect();
  const framer = new Framer("stdout", sink, batchBytes);
  for (const chunk of chunks) framer.push(chunk, STAMP);
  framer.end(STAMP);
  return text();
}

Deno.test("Framer writes a line as one record", () => {
  assert.equal(
    frame([encoder.encode("hello\n\nworld\n")]),
    [
      `${STAMP} stdout F hello\n`,
      `${STAMP} stdout F \n`,
      `${STAMP} stdout F world\n`,
    ].join(""),
  );
});

Deno.test("Framer cuts a long line at 16 KiB and tags its parts", () => {
  const text = frame([
    encoder.encode("x".repeat(2 * MAX_RECORD_TEXT + 1) + "\n" + "y".repeat(MAX_RECORD_TEXT) + "\n"),
  ]);
  const tags = text.split("\n").slice(0, -1).map((record) => `${record[38]}${record.length - 40}`);
  assert.deepEqual(tags, [`P${MAX_RECORD_TEXT}`, `P${MAX_RECORD_TEXT}`, "F1", `F${MAX_RECORD_TEXT}`]);
});

Deno.test("Framer ends a last line without newline as F", () => {
  assert.equal(frame([encoder.encode("a\nrest")]), `${STAMP} stdout F a\n${STAMP} stdout F rest\n`);
  assert.equal(frame([encoder.encode("a\n")]), `${STAMP} stdout F a\n`);
  assert.equal(frame([]), "");
});

Deno.test("Framer gives the same lines back, however the output was cut into chunks", () => {
  const line = fc.oneof(
    fc.string({ maxLength: 30, unit: fc.constantFrom("a", "b", " ", "F") }),
    fc.integer({ min: MAX_RECORD_TEXT - 2, max: 2 * MAX_RECORD_TEXT + 2 }).map((length) =>
      "z".repeat(length)
    ),
  );
  const cuts = fc.array(fc.nat({ max: 70_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), cuts, fc.boolean(), (lines, places, ended) => {
      const text = lines.join("\n") + (ended && lines.length > 0 ? "\n" : "");
      const bytes = encoder.encode(text);
      const at = [
        0,
        ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
        bytes.length,
      ];
      const chunks = at.slice(1).map((end, index) => bytes.slice(at[index], end));
      const expected = text.split("\n");
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(join(frame(chunks, 40 + MAX_RECORD_TEXT + 1)), expected);
    }),
    { numRuns: 60 },
  );
});

Deno.test("Framer drops the rest of a line whose beginning was refused, and counts it", () => {
  let open = false;
  const { sink, seen, text } = collect(() => open);
  const framer = new Framer("stdout", sink);
  framer.push(encoder.encode("x".repeat(MAX_RECORD_TEXT + 10)), STAMP);
  open = true;
  framer.push(encoder.encode("tail\nnext\n"), STAMP);
  assert.equal(text(), `${STAMP} stdout F next\n`);
  assert.deepEqual(seen, { offered: 2, skipped: 1 });
});

Deno.test("Framer goes on with the next line when a refused batch ended with a line", () => {
  let open = false;
  const { sink, seen, text } = collect(() => open);
  const framer = new Framer("stdout", sink);
  framer.push(encoder.encode("lost\n"), STAMP);
  open = true;
  framer.push(encoder.encode("kept\n"), STAMP);
  assert.equal(text(), `${STAMP} stdout F kept\n`);
  assert.deepEqual(seen, { offered: 2, skipped: 0 });
});

Deno.test("Framer refuses a batch that cannot hold one record", () => {
  assert.throws(() => new Framer("stdout", collect().sink, 16 * 1024), RangeError);
});
