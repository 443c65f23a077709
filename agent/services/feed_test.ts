// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Feed } from "./feed.ts";

Deno.test("Feed melts changes of one container into one", () => {
  let notes = 0;
  const feed = new Feed(() => notes++);
  for (const id of ["a", "b", "a", "a"]) feed.changed(id);
  feed.removed("b", 7n);
  assert.deepEqual(feed.take(), { changed: ["a", "b"], removed: [["b", 7n]] });
  assert.equal(notes, 5);
  assert(feed.empty);
});

Deno.test("Feed gives up when more is pending than it may keep", () => {
  const feed = new Feed(() => {});
  for (let i = 0; i < 4096; i++) feed.removed(`c${i}`, BigInt(i));
  assert.equal(feed.overflow, false);
  feed.changed("one too many");
  assert.equal(feed.overflow, true);
});
