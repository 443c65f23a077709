// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { writeStream } from "./write_stream.ts";

/** Takes the first `room` items, then none until it drains. */
class NarrowStream extends EventEmitter {
  readonly items: number[] = [];

  constructor(public room: number) {
    super();
  }

  write(item: number): boolean {
    this.items.push(item);
    if (this.items.length < this.room) return true;
    queueMicrotask(() => this.emit("full"));
    return false;
  }
}

function once(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, resolve));
}

Deno.test("writeStream() asks for the next item only after the stream has drained", async () => {
  const stream = new NarrowStream(2);
  let asked = 0;
  async function* items() {
    while (asked < 5) yield await Promise.resolve(asked++);
  }
  const full = once(stream, "full");
  const done = writeStream(items(), stream as unknown as Writable, new AbortController().signal);
  await full;
  assert.deepEqual([asked, stream.items], [2, [0, 1]]);
  stream.room = Infinity;
  stream.emit("drain");
  await done;
  assert.deepEqual(stream.items, [0, 1, 2, 3, 4]);
  assert.equal(stream.listenerCount("drain"), 0);
});

Deno.test("writeStream() that waits for a stream ends when the signal fires, and closes the iterable", async () => {
  const stream = new NarrowStream(1);
  const controller = new AbortController();
  let closed = false;
  async function* items() {
    try {
      for (let n = 0;; n++) yield await Promise.resolve(n);
    } finally {
      closed = true;
    }
  }
  const full = once(stream, "full");
  const done = writeStream(items(), stream as unknown as Writable, controller.signal);
  await full;
  controller.abort(new Error("Gone"));
  await assert.rejects(done, /^Error: Gone$/);
  assert.deepEqual([closed, stream.listenerCount("drain")], [true, 0]);
});

Deno.test("writeStream() throws the signal's reason even if the iterable ends by itself on it", async () => {
  const controller = new AbortController();
  // deno-lint-ignore require-yield
  async function* items(): AsyncGenerator<number> {
    await once(stream, "end");
  }
  const stream = new NarrowStream(1);
  const done = writeStream(items(), stream as unknown as Writable, controller.signal);
  controller.abort(new Error("Gone"));
  stream.emit("end");
  await assert.rejects(done, /^Error: Gone$/);
});

Deno.test("writeStream() throws the iterable's error after the items before it", async () => {
  const written: number[] = [];
  const stream = new Writable({
    objectMode: true,
    write(item, _encoding, callback) {
      written.push(item);
      callback();
    },
  });
  async function* items() {
    yield await Promise.resolve(1);
    throw new Error("Broken");
  }
  await assert.rejects(writeStream(items(), stream, new AbortController().signal), /^Error: Broken$/);
  assert.deepEqual(written, [1]);
});
