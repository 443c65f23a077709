// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { ContainerStateSchema, HelloRequestSchema } from "../gen/agent_pb.ts";
import { Code, RpcError } from "../status.ts";
import { decodeMessage, encodeMessage } from "./message_codec.ts";

Deno.test("decodeMessage() keeps nothing of fields that it does not know: nobody counts their memory", () => {
  const known = encodeMessage(HelloRequestSchema, { bootId: "boot" });
  // Field 1000, length-delimited, as a newer version or a hostile peer sends it.
  const foreign = new Uint8Array([0xc2, 0x3e, 3, 1, 2, 3]);
  const message = decodeMessage(
    HelloRequestSchema,
    new Uint8Array([...known, ...foreign]),
    Code.INVALID_ARGUMENT,
  );
  assert.equal(message.bootId, "boot");
  assert.equal(message.$unknown, undefined);
  assert.deepEqual(encodeMessage(HelloRequestSchema, message), known);
});

Deno.test("decodeMessage() says which message damaged bytes are not", () => {
  assert.throws(
    () => decodeMessage(ContainerStateSchema, new Uint8Array([0x0a, 5, 1]), Code.INVALID_ARGUMENT),
    (error) =>
      error instanceof RpcError && error.code === Code.INVALID_ARGUMENT &&
      /^Cannot decode infranetes\.\S*ContainerState of 3 bytes/.test(error.message),
  );
});
