// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { AlreadyExistsError } from "../../lib/errors.ts";
import { lockInstance } from "./lock.ts";

Deno.test("lockInstance() refuses a second owner by the first one's process id, until that lets go", async () => {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-lock-" });
  try {
    {
      using _first = await lockInstance(directory, 4711);
      await assert.rejects(lockInstance(directory), (error: Error) => {
        assert(error instanceof AlreadyExistsError);
        assert.match(error.message, /in use by process 4711/);
        return true;
      });
    }
    using _second = await lockInstance(directory, 12);
    assert.equal(await Deno.readTextFile(`${directory}/lock`), "12\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
