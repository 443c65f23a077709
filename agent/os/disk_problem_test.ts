// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { isDiskProblem } from "./disk_problem.ts";

Deno.test({
  name: "isDiskProblem() recognises a full disk",
  ignore: Deno.build.os !== "linux",
  fn() {
    using full = Deno.openSync("/dev/full", { write: true });
    assert.throws(() => full.writeSync(new Uint8Array(1)), (error) => isDiskProblem(error));
  },
});

Deno.test("isDiskProblem() recognises nothing else", () => {
  assert.throws(() => Deno.openSync("/nowhere/at/all"), (error) => !isDiskProblem(error));
  assert.equal(isDiskProblem(new Error("File too large (os error 27)")), true);
  assert.equal(isDiskProblem(new Error("Bad file descriptor (os error 9)")), false);
  assert.equal(isDiskProblem("ENOSPC"), false);
});
