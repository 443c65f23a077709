// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { Code, codeName, RpcError, toStatus } from "./status.ts";

class CodedError extends Error {
  constructor(readonly grpcCode: unknown) {
    super("Said so");
  }
}

Deno.test("toStatus() keeps code and message of an RpcError", () => {
  const status = toStatus(new RpcError(Code.ABORTED, "Newer attempt"));
  assert.deepEqual(status, { code: Code.ABORTED, message: "Newer attempt" });
});

Deno.test("toStatus() takes the grpcCode of an error that has one", () => {
  assert.deepEqual(toStatus(new CodedError(Code.NOT_FOUND)), { code: Code.NOT_FOUND, message: "Said so" });
});

Deno.test("toStatus() does not believe a grpcCode that is OK, unknown or no number", () => {
  for (const code of [0, 17, -1, "5", undefined]) {
    assert.equal(toStatus(new CodedError(code)).code, Code.INTERNAL);
  }
});

Deno.test("toStatus() knows aborts and time-outs by their names", () => {
  assert.equal(toStatus(AbortSignal.abort().reason).code, Code.CANCELLED);
  assert.equal(toStatus(new DOMException("Too late", "TimeoutError")).code, Code.DEADLINE_EXCEEDED);
});

Deno.test("toStatus() makes INTERNAL of everything else and keeps its message", () => {
  assert.deepEqual(toStatus(new TypeError("x is undefined")), {
    code: Code.INTERNAL,
    message: "x is undefined",
  });
  assert.deepEqual(toStatus("thrown text"), { code: Code.INTERNAL, message: "thrown text" });
  assert.deepEqual(toStatus(undefined), { code: Code.INTERNAL, message: "undefined" });
});

Deno.test("codeName() names every code", () => {
  assert.deepEqual([codeName(0), codeName(14), codeName(99)], ["OK", "UNAVAILABLE", "CODE_99"]);
});
