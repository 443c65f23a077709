// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { readTerminationMessage } from "./termination_message.ts";

async function withFile(work: (path: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(`${directory}/message`, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("readTerminationMessage() answers the last 4,096 bytes", () =>
  withFile(async (path) => {
    await Deno.writeTextFile(path, "x".repeat(10_000) + "the end");
    const message = new TextDecoder().decode(await readTerminationMessage(path));
    assert.equal(message.length, 4096);
    assert(message.endsWith("the end"));
  }));

Deno.test("readTerminationMessage() answers nothing where there is no file to read", () =>
  withFile(async (path, directory) => {
    assert.equal((await readTerminationMessage(path)).length, 0);
    assert.equal((await readTerminationMessage(directory)).length, 0);
    // A device that never ends, by way of a link.
    await Deno.symlink("/dev/zero", path);
    assert.equal((await readTerminationMessage(path)).length, 0);
  }));
