// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  begunRecord,
  firstRecordStart,
  LogFramingError,
  RECORD_CONTENT_MAX_BYTES,
  RECORD_MAX_BYTES,
  RecordFramer,
} from "./record_framer.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const TIME = "2026-11-21T07:00:00.123456789Z";

Deno.test("RecordFramer lets whole records through unchanged and holds the rest back", () => {
  const framer = new RecordFramer();
  const first = `${TIME} stdout F hello\n`;
  assert.equal(decode(framer.push(encode(first + TIME + " std"))), first);
  assert.equal(framer.heldBytes, 34);
  assert.equal(framer.push(encode("err P frag")).length, 0);
  assert.equal(decode(framer.push(encode("ment\n"))), `${TIME} stderr P fragment\n`);
  assert.equal(framer.heldBytes, 0);
});

Deno.test("RecordFramer completes a record whose beginning is in the file without repeating it", () => {
  const framer = new RecordFramer(encode(`${TIME} stdo`));
  assert.equal(framer.heldBytes, 0);
  assert.equal(decode(framer.push(encode("ut F a"))), "");
  assert.equal(framer.heldBytes, 6);
  assert.equal(decode(framer.push(encode(`b\n${TIME} stdout F c\n`))), `ut F ab\n${TIME} stdout F c\n`);
});

Deno.test("RecordFramer accepts an empty line and a fragment of the greatest size, and no byte more", () => {
  assert.equal(new RecordFramer().push(encode(`${TIME} stdout F \n`)).length, 41);
  const longest = encode(`${TIME} stdout P ${"x".repeat(RECORD_CONTENT_MAX_BYTES)}\n`);
  assert.equal(longest.length, RECORD_MAX_BYTES);
  assert.equal(new RecordFramer().push(longest).length, RECORD_MAX_BYTES);
  const longer = encode(`${TIME} stdout P ${"x".repeat(RECORD_CONTENT_MAX_BYTES + 1)}\n`);
  assert.throws(() => new RecordFramer().push(longer), LogFramingError);
});

Deno.test("RecordFramer does not hold more than one record of a line that never ends", () => {
  const framer = new RecordFramer();
  framer.push(encode(`${TIME} stdout P `));
  assert.throws(() => {
    for (let i = 0; i < 1000; i++) framer.push(new Uint8Array(1024).fill(0x78));
  }, /longer than/);
  assert.ok(framer.heldBytes < RECORD_MAX_BYTES);
});

for (
  const [name, record] of [
    ["an empty line", ""],
    ["no time", "hello"],
    ["a time of another width", "2026-11-21T07:00:00.123456Z stdout F hello, this is long enough"],
    ["an offset instead of Z", "2026-11-21T07:00:00.1234567+01 stdout F hello"],
    ["a 31st of June", "2026-06-31T07:00:00.123456789Z stdout F hello"],
    ["hour 24", "2026-06-30T24:00:00.123456789Z stdout F hello"],
    ["second 60", "2026-06-30T23:59:60.123456789Z stdout F hello"],
    ["letters in the fraction", "2026-06-30T23:59:50.12345678xZ stdout F hello"],
    ["another stream", `${TIME} stdlog F hello`],
    ["another tag", `${TIME} stdout X hello`],
    ["no space after the tag", `${TIME} stdout F:hello`],
    ["a second space before the tag", `${TIME} stdout  F hello`],
  ] as const
) {
  Deno.test(`RecordFramer refuses ${name}, also after a good record`, () => {
    assert.throws(() => new RecordFramer().push(encode(record + "\n")), LogFramingError);
    assert.throws(() => new RecordFramer().push(encode(`${TIME} stdout F ok\n${record}\n`)), LogFramingError);
  });
}

Deno.test("RecordFramer quotes a bad record without its control characters", () => {
  assert.throws(() => new RecordFramer().push(encode("\x1b[2Jevil\r\x00\n")), /'\?\[2Jevil\?\?'/);
});

const record = fc.tuple(
  fc.date({ min: new Date("1970-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
  fc.integer({ min: 0, max: 999_999_999 }),
  fc.constantFrom("stdout", "stderr"),
  fc.constantFrom("F", "P"),
  fc.uint8Array({ maxLength: 300 }),
).map(([date, fraction, stream, tag, content]) => {
  const time = `${date.toISOString().slice(0, 19)}.${String(fraction).padStart(9, "0")}Z`;
  return new Uint8Array([...encode(`${time} ${stream} ${tag} `), ...content.filter((b) => b !== 10), 10]);
});

Deno.test("RecordFramer gives back any stream of records however it is cut, from any position on", () => {
  fc.assert(fc.property(
    fc.array(record, { maxLength: 6 }),
    fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
    fc.nat(),
    (records, cuts, seed) => {
      const stream = new Uint8Array(records.flatMap((each) => [...each]));
      const position = stream.length === 0 ? 0 : seed % (stream.length + 1);
      const framer = new RecordFramer(begunRecord(stream.subarray(0, position)));
      const out: number[] = [];
      for (let at = position, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length]!;
        out.push(...framer.push(stream.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(out, [...stream.subarray(position)]);
      assert.equal(framer.heldBytes, 0);
    },
  ));
});

Deno.test("RecordFramer throws LogFramingError and nothing else whatever bytes come", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
    const framer = new RecordFramer();
    try {
      for (const chunk of chunks) framer.push(chunk);
    } catch (error) {
      assert.ok(error instanceof LogFramingError);
    }
  }));
});

Deno.test("firstRecordStart() finds the first boundary after a gap", () => {
  const bytes = encode(`rest\n${TIME} stdout F x\n`);
  assert.equal(firstRecordStart(bytes), 5);
  assert.equal(firstRecordStart(bytes.subarray(5)), 0);
  assert.equal(firstRecordStart(encode("no end")), 6);
});
