// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { Code, RpcError } from "../status.ts";
import { MAX_STATUS_MESSAGE, serverStatus } from "./server_status.ts";

Deno.test("serverStatus() keeps code and message", () => {
  const error = new RpcError(Code.NOT_FOUND, "No sandbox ü\nwith this id");
  assert.deepEqual(serverStatus(error), { code: Code.NOT_FOUND, details: "No sandbox ü\nwith this id" });
});

Deno.test("serverStatus() replaces halves of surrogate pairs, which a trailer cannot carry", () => {
  const { details } = serverStatus(new Error("\ud83d"));
  assert.equal(details, "\ufffd");
  assert.doesNotThrow(() => encodeURI(details));
});

Deno.test("serverStatus() cuts a message that no peer would take and says how much is missing", () => {
  const { details } = serverStatus(new Error("界".repeat(MAX_STATUS_MESSAGE + 5)));
  assert.ok(details.endsWith("界… (5 more characters)"));
  assert.ok(encodeURI(details).length < 48 * 1024);
});

Deno.test("serverStatus() does not cut a surrogate pair into something that cannot be sent", () => {
  const { details } = serverStatus(new Error("x" + "😀".repeat(MAX_STATUS_MESSAGE / 2)));
  assert.doesNotThrow(() => encodeURI(details));
});
