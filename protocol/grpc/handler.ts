// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type {
  DescMessage,
  DescMethod,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";
import type { Encoded } from "./encoded.ts";

/** What a handler is told about the call besides the request. */
export interface CallContext {
  /**
   * Fires when the caller cancels or is gone, when the deadline has passed, when the server shuts down, and at the
   * normal end too, so that nothing started under the call outlives it unless it means to. The reason is an `RpcError`
   * with the fitting code, at the normal end an `AbortError`.
   */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, milliseconds since the epoch on this machine's clock. */
  readonly deadline: number | undefined;
  /** The caller's address as gRPC has it; of a unix socket no more than that it is one. */
  readonly peer: string;
  readonly metadata: Metadata;
  readonly method: DescMethod;
  /** The request as it came, byte for byte. */
  readonly rawRequest: Uint8Array;
}

/** What a handler may answer with: a message, its fields, or its bytes. */
export type Answer<Output extends DescMessage> = MessageInitShape<Output> | Encoded;

/**
 * A unary method's promise, or a server stream's iterable. The stream is asked for its next message only when the
 * peer took the ones before; it must end, whichever way, once `context.signal` fires.
 */
export type Handler<Method extends Pick<DescMethod, "input" | "output" | "methodKind">> =
  Method["methodKind"] extends "unary" ? (
      request: MessageShape<Method["input"]>,
      context: CallContext,
    ) => Promise<Answer<Method["output"]>> | Answer<Method["output"]>
    : Method["methodKind"] extends "server_streaming" ? (
        request: MessageShape<Method["input"]>,
        context: CallContext,
      ) => AsyncIterable<Answer<Method["output"]>>
    : never;

/** The methods of a service by their local names. One that is left out answers UNIMPLEMENTED. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]?: Handler<Service["method"][Name]>;
};

/** What a wrapper sees of a call. */
export interface CallInfo {
  readonly method: DescMethod;
  /** Empty if it could not be decoded. May hold secrets: fields with the option `debug_redact` are not for logs. */
  readonly request: Message;
  readonly context: CallContext;
}

/**
 * Runs around every call: the place for logs, metrics and traces. `proceed` settles when the handler has (for a stream:
 * when its last message has been taken over) and rejects with the handler's error; what the wrapper throws becomes the
 * call's status. Calls that gRPC itself refuses (unknown service, message too large) do not come here.
 */
export type Wrapper = (call: CallInfo, proceed: () => Promise<void>) => Promise<void>;
