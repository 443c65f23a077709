// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeDurably } from "./durable_file.ts";

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("writeDurably() replaces the content and leaves no other file", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "file");
    await writeDurably(path, "a longer first content");
    await writeDurably(path, "second");
    assert.equal(await Deno.readTextFile(path), "second");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name), ["file"]);
  }));

Deno.test("writeDurably() gives the file its mode even when a leftover had another", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "file");
    await Deno.writeTextFile(`${path}.new`, "half of a secr", { mode: 0o666 });
    await Deno.chmod(`${path}.new`, 0o666);
    await writeDurably(path, "secret");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.equal(await Deno.readTextFile(path), "secret");
  }));

Deno.test("writeDurably() keeps the old content when the new one cannot be written", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "file");
    await writeDurably(path, "old");
    await Deno.mkdir(`${path}.new`);
    await assert.rejects(writeDurably(path, "new"));
    assert.equal(await Deno.readTextFile(path), "old");
  }));
