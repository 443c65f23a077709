// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "../status.ts";
import type { IncomingCall } from "./incoming_call.ts";
import type { AnyInit } from "./message_codec.ts";
import { decodeMessage, encodeMessage, takeOnly } from "./message_codec.ts";
import type { CallContext, Route } from "./router.ts";

/** Runs the handler of `route` for a call: the response of a method with one, undefined after the last of several. */
export async function serve(
  route: Route,
  call: IncomingCall,
  context: CallContext,
): Promise<Uint8Array | undefined> {
  const { method, handler } = route;
  const streamsRequests = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const input = streamsRequests ? requests(method, call) : await onlyRequest(method, call);
  const output = handler(input, context);
  if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
    return encodeMessage(method.output, await output as AnyInit);
  }
  for await (const response of output as AsyncIterable<AnyInit>) {
    const sending = call.write(encodeMessage(method.output, response));
    if (sending) await sending;
  }
  return undefined;
}

async function onlyRequest(method: DescMethod, call: IncomingCall): Promise<object> {
  const bytes = await takeOnly(call.inbox, method.input, Code.INVALID_ARGUMENT);
  return decodeMessage(method.input, bytes, Code.INVALID_ARGUMENT);
}

/** A handler that stops reading frees what is queued; the caller is then held by its credit until the call ends. */
async function* requests(method: DescMethod, call: IncomingCall): AsyncGenerator<object> {
  try {
    for (let bytes; (bytes = await call.inbox.take()) !== undefined;) {
      yield decodeMessage(method.input, bytes, Code.INVALID_ARGUMENT);
    }
  } finally {
    call.inbox.drop(undefined);
  }
}
