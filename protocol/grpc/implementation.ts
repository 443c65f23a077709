// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import type { handleUnaryCall, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { Code, RpcError } from "../status.ts";
import { CallScope, type ServerCall } from "./call_scope.ts";
import { Encoded } from "./encoded.ts";
import type { Answer, CallContext, CallInfo, Handlers, Wrapper } from "./handler.ts";
import { outboundOf } from "./outbound.ts";
import { serverStatus } from "./server_status.ts";
import { writeStream } from "./write_stream.ts";

export interface ImplementationOptions {
  /** Around every call, the first one outermost. */
  readonly wrappers: readonly Wrapper[];
  /** Longest answer in bytes; a longer one becomes RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  /** The calls that are being answered: kept up to date here, for whoever shuts the server down. */
  readonly running: Set<RunningCall>;
}

export interface RunningCall {
  readonly scope: CallScope;
  readonly method: DescMethod;
}

// What all handlers have in common once their types are of no use any more.
type AnyHandler = (request: Message, context: CallContext) => unknown;
type Call = { scope: CallScope; info: CallInfo; decodingError: RpcError | undefined };

/** The methods of `service` as grpc-js calls them. */
export function implementation<Service extends DescService>(
  service: Service,
  handlers: Handlers<Service>,
  options: ImplementationOptions,
): UntypedServiceImplementation {
  return Object.fromEntries(service.methods.map((method) => {
    const bound = (handlers as Record<string, AnyHandler | undefined>)[method.localName]?.bind(handlers);
    const handler = bound ?? (() => unimplemented(method));
    switch (method.methodKind) {
      case "unary":
        return [method.localName, unary(method, handler, options)];
      case "server_streaming":
        return [method.localName, serverStream(method, handler, options)];
      default:
        throw new TypeError(`Cannot serve ${nameOf(method)}: ${method.methodKind} methods are not supported`);
    }
  }));
}

function unary(
  method: DescMethod,
  handler: AnyHandler,
  options: ImplementationOptions,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return async (call, respond) => {
    using running = begin(method, call, options);
    let answer: Uint8Array | undefined;
    try {
      await wrapped(running, options.wrappers, async () => {
        answer = encode(
          method,
          await handler(running.info.request, running.info.context) as Answer<never>,
          options,
        );
      });
      respond(null, answer!);
    } catch (error) {
      respond(serverStatus(error));
    }
  };
}

function serverStream(method: DescMethod, handler: AnyHandler, options: ImplementationOptions) {
  return async (call: ServerWritableStream<Uint8Array, Uint8Array>): Promise<void> => {
    using running = begin(method, call, options);
    const outbound = outboundOf(call);
    try {
      await wrapped(running, options.wrappers, async () => {
        const answers = handler(running.info.request, running.info.context) as AsyncIterable<Answer<never>>;
        await writeStream(encoded(method, answers, options), call, running.scope.signal, async (answer) => {
          outbound?.add(answer.byteLength);
          await outbound?.room(running.scope.signal);
        });
      });
      call.end();
    } catch (error) {
      // The stream's own error handler makes it the status, after the messages that were written.
      call.emit("error", serverStatus(error));
    }
  };
}

function begin(method: DescMethod, call: ServerCall, options: ImplementationOptions): Call & Disposable {
  const scope = new CallScope(call);
  const entry: RunningCall = { scope, method };
  options.running.add(entry);
  const { request, decodingError } = decode(method, call.request);
  const context: CallContext = {
    signal: scope.signal,
    deadline: scope.deadline,
    peer: call.getPeer(),
    metadata: call.metadata,
    method,
    rawRequest: call.request,
  };
  return {
    scope,
    info: { method, request, context },
    decodingError,
    [Symbol.dispose]() {
      options.running.delete(entry);
      scope[Symbol.dispose]();
    },
  };
}

async function wrapped(call: Call, wrappers: readonly Wrapper[], handle: () => Promise<void>): Promise<void> {
  let handled = false;
  const innermost = async () => {
    if (call.decodingError) throw call.decodingError;
    await handle();
    handled = true;
  };
  const outermost = wrappers.reduceRight<() => Promise<void>>(
    (proceed, wrapper) => async () => await wrapper(call.info, proceed),
    innermost,
  );
  await outermost();
  if (!handled) {
    throw new Error(`A wrapper of ${nameOf(call.info.method)} has not awaited proceed(), or hid its error`);
  }
}

function decode(
  method: DescMethod,
  bytes: Uint8Array,
): { request: Message; decodingError: RpcError | undefined } {
  try {
    return { request: fromBinary(method.input, bytes), decodingError: undefined };
  } catch (cause) {
    const message = `Cannot decode the request of ${nameOf(method)} as ${method.input.typeName}: ${cause}`;
    return { request: create(method.input), decodingError: new RpcError(Code.INTERNAL, message, { cause }) };
  }
}

function encode(
  method: DescMethod,
  answer: Answer<never>,
  { maxMessageBytes }: ImplementationOptions,
): Uint8Array {
  const bytes = answer instanceof Encoded
    ? answer.bytes
    : toBinary(method.output, create(method.output, answer));
  if (bytes.byteLength <= maxMessageBytes) return bytes;
  throw new RpcError(
    Code.RESOURCE_EXHAUSTED,
    `The answer of ${nameOf(method)} has ${bytes.byteLength} bytes, the limit is ${maxMessageBytes}`,
  );
}

async function* encoded(
  method: DescMethod,
  answers: AsyncIterable<Answer<never>>,
  options: ImplementationOptions,
): AsyncGenerator<Uint8Array> {
  for await (const answer of answers) yield encode(method, answer, options);
}

function unimplemented(method: DescMethod): never {
  throw new RpcError(Code.UNIMPLEMENTED, `${nameOf(method)} is not implemented`);
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
