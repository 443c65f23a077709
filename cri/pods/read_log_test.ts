// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { readLog, type ReadLogOptions } from "./read_log.ts";

const TIME = "2026-11-21T07:00:00.123456789Z";

function record(text: string, tag: "F" | "P" = "F", stream: "stdout" | "stderr" = "stdout"): string {
  return `${TIME} ${stream} ${tag} ${text}\n`;
}

async function withLog(content: string | undefined, use: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-log-" });
  try {
    const path = `${directory}/0.log`;
    if (content !== undefined) await Deno.writeTextFile(path, content);
    await use(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function options(patch: Partial<ReadLogOptions> = {}): ReadLogOptions {
  const signal = new AbortController().signal;
  return { tail: undefined, timestamps: false, follow: false, ended: Promise.resolve(), signal, ...patch };
}

async function textOf(path: string, patch: Partial<ReadLogOptions> = {}): Promise<string> {
  const chunks = await Array.fromAsync(readLog(path, options(patch)));
  return await new Blob(chunks as BlobPart[]).text();
}

const LINES = record("one") + record("two, ", "P") + record("still two", "F", "stderr") + record("") +
  record("four");

const TABLE: readonly (readonly [
  what: string,
  content: string | undefined,
  patch: Partial<ReadLogOptions>,
  text: string,
])[] = [
  ["gives what was written, parts of a line joined", LINES, {}, "one\ntwo, still two\n\nfour\n"],
  [
    "puts the time before lines, not before parts",
    LINES,
    { timestamps: true },
    `${TIME} one\n${TIME} two, still two\n${TIME} \n${TIME} four\n`,
  ],
  ["gives the last lines", LINES, { tail: 2 }, "\nfour\n"],
  ["counts a line of several parts as one", LINES, { tail: 3 }, "two, still two\n\nfour\n"],
  ["gives all if there are fewer", LINES, { tail: 100 }, "one\ntwo, still two\n\nfour\n"],
  ["gives nothing of no lines", LINES, { tail: 0 }, ""],
  ["takes a file that is not there as an empty one", undefined, {}, ""],
  ["leaves out a record that is not complete", `${LINES}${TIME} stdout F fi`, { tail: 1 }, "four\n"],
  ["keeps a line that ends with a part open", record("half", "P"), {}, "half"],
  ["shows what is no record as it is", "garbage\n", {}, "garbage\n"],
];

for (const [what, content, patch, text] of TABLE) {
  Deno.test(`readLog() ${what}`, () =>
    withLog(content, async (path) => assert.equal(await textOf(path, patch), text)));
}

Deno.test("readLog() reads a long log in bounded chunks and cuts none of its lines", () =>
  withLog(Array.from({ length: 20_000 }, (_, i) => record(`line ${i}`)).join(""), async (path) => {
    const chunks = await Array.fromAsync(readLog(path, options()));
    assert(chunks.length > 5 && chunks.every((chunk) => chunk.byteLength <= 128 * 1024));
    const lines = (await new Blob(chunks as BlobPart[]).text()).trimEnd().split("\n");
    assert.deepEqual(lines, Array.from({ length: 20_000 }, (_, i) => `line ${i}`));
    assert.equal(await textOf(path, { tail: 1 }), "line 19999\n");
  }));

Deno.test("readLog() follows a log that is written while it is read, to its end", () =>
  withLog(undefined, async (path) => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const log = readLog(path, options({ follow: true, ended }));
    const first = log.next();
    await Deno.writeTextFile(path, record("one"));
    assert.equal(new TextDecoder().decode((await first).value), "one\n");
    const second = log.next();
    await Deno.writeTextFile(path, record("two"), { append: true });
    assert.equal(new TextDecoder().decode((await second).value), "two\n");
    const third = log.next();
    await Deno.writeTextFile(path, record("three"), { append: true });
    end();
    assert.equal(new TextDecoder().decode((await third).value), "three\n");
    assert.equal((await log.next()).done, true);
  }));

Deno.test("readLog() stops following when nobody reads any more", () =>
  withLog(record("one"), async (path) => {
    const controller = new AbortController();
    const log = readLog(
      path,
      options({ follow: true, ended: new Promise(() => {}), signal: controller.signal }),
    );
    await log.next();
    const next = log.next();
    controller.abort(new Error("Gone"));
    await assert.rejects(next, /Gone/);
  }));
