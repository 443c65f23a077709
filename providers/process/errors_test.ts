// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { CapacityError, NotFoundError, UnauthorizedError, UnavailableError } from "../../lib/errors.ts";
import { toProviderError } from "./errors.ts";

Deno.test("toProviderError() says of a full machine that there is no capacity", () => {
  for (const code of ["ENOSPC", "EMFILE", "EAGAIN"]) {
    const cause = Object.assign(new Error("No space left on device"), { code });
    const error = toProviderError(cause, "Cannot make VM x");
    assert.ok(error instanceof CapacityError);
    assert.equal(error.cause, cause);
    assert.match(error.message, /^Cannot make VM x: .*No space left/);
  }
});

Deno.test("toProviderError() keeps what has a meaning, and gives one to the rest", () => {
  const known = new NotFoundError("Gone");
  assert.equal(toProviderError(known, "x"), known);
  const aborted = new DOMException("Aborted", "AbortError");
  assert.equal(toProviderError(aborted, "x"), aborted);
  assert.ok(toProviderError(new Deno.errors.PermissionDenied("No"), "x") instanceof UnauthorizedError);
  assert.ok(
    toProviderError(Object.assign(new Error("I/O"), { code: "EIO" }), "x") instanceof UnavailableError,
  );
});
