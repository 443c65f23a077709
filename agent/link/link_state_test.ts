// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { FailedPreconditionError } from "../../lib/errors.ts";
import { LinkState } from "./link_state.ts";

async function inDirectory(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(`${directory}/link.json`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("LinkState keeps what it was told, each change in its order", () =>
  inDirectory(async (path) => {
    const state = await LinkState.open(path, "vm");
    assert.deepEqual(state.facts, { epoch: 0, nodes: [], orphanTimeoutMs: 0 });
    const writes = [1, 2, 3, 4, 5].map((epoch) => state.update({ epoch }));
    await Promise.all([...writes, state.update({ nodes: ["a:1"] })]);
    assert.deepEqual(state.facts, { epoch: 5, nodes: ["a:1"], orphanTimeoutMs: 0 });
    assert.deepEqual((await LinkState.open(path, "vm")).facts, state.facts);
  }));

Deno.test("LinkState of another VM does not count, a damaged one is told", () =>
  inDirectory(async (path) => {
    await (await LinkState.open(path, "vm")).update({ epoch: 7 });
    assert.equal((await LinkState.open(path, "other")).facts.epoch, 0);
    await Deno.writeTextFile(path, "{");
    await assert.rejects(LinkState.open(path, "vm"), FailedPreconditionError);
  }));
