// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, RpcError, toStatus } from "../status.ts";
import type { CallOptions } from "./call_options.ts";
import type { AnyInit } from "./message_codec.ts";
import { decodeMessage, encodeMessage, takeOnly } from "./message_codec.ts";
import { OutgoingCall } from "./outgoing_call.ts";
import type { CallerHost } from "./outgoing_call.ts";
import { encodeMethodName } from "./payload.ts";
import { methodName } from "./router.ts";

/**
 * The methods of a service as functions. All errors are RpcErrors with the status of the call; UNAVAILABLE when the
 * session has ended. A call that streams responses begins when its iteration begins, can be iterated once, and is
 * cancelled by leaving the loop.
 */
export type Client<S extends DescService> = {
  readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]>;
};

type ClientMethod<M> = M extends { methodKind: infer K; input: infer I; output: infer O }
  ? I extends DescMessage
    ? O extends DescMessage
      ? K extends "unary" ? (input: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
      : K extends "server_streaming"
        ? (input: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : K extends "client_streaming"
        ? (inputs: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => Promise<MessageShape<O>>
      : (inputs: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
    : never
  : never
  : never;

type Start = () => OutgoingCall;

export function createClient<S extends DescService>(desc: S, host: CallerHost): Client<S> {
  const methods = desc.methods.map((method) => [method.localName, clientMethod(method, host)]);
  return Object.fromEntries(methods) as Client<S>;
}

function clientMethod(method: DescMethod, host: CallerHost) {
  const name = encodeMethodName(methodName(method));
  const startWith = (input: unknown, options: CallOptions = {}): Start => () =>
    new OutgoingCall(host, name, encodeMessage(method.input, input as AnyInit), options);
  const startStream = (inputs: unknown, options: CallOptions = {}): Start => () => {
    const call = new OutgoingCall(host, name, undefined, options);
    void sendRequests(call, method, inputs as AsyncIterable<AnyInit>);
    return call;
  };
  const start = method.methodKind === "unary" || method.methodKind === "server_streaming"
    ? startWith
    : startStream;
  const manyResponses = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
  return (input: unknown, options?: CallOptions) =>
    manyResponses
      ? new Responses(start(input, options), method)
      : onlyResponse(start(input, options), method);
}

async function onlyResponse(start: Start, method: DescMethod): Promise<object> {
  const call = start();
  try {
    return decodeMessage(
      method.output,
      await takeOnly(call.inbox, method.output, Code.INTERNAL),
      Code.INTERNAL,
    );
  } catch (error) {
    call.fail(asRpcError(error));
    throw error;
  } finally {
    call.inbox.drop(undefined);
  }
}

/** Sends what the iterable gives until it ends or the call does. Never rejects: what goes wrong becomes the call's error. */
async function sendRequests(
  call: OutgoingCall,
  method: DescMethod,
  inputs: AsyncIterable<AnyInit>,
): Promise<void> {
  try {
    const iterator = inputs[Symbol.asyncIterator]();
    call.onSettled = () => void stopInput(iterator);
    while (!call.settled) {
      const { done, value } = await iterator.next();
      if (done) return call.finish();
      await call.write(encodeMessage(method.input, value));
    }
  } catch (error) {
    call.fail(asRpcError(error));
  }
}

/** Lets a generator run its `finally`. The call is over, so there is nobody left to tell what that throws. */
async function stopInput(iterator: AsyncIterator<object>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    return;
  }
}

class Responses implements AsyncIterable<object> {
  #start: Start | null;
  readonly #method: DescMethod;

  constructor(start: Start, method: DescMethod) {
    this.#start = start;
    this.#method = method;
  }

  [Symbol.asyncIterator](): AsyncIterator<object> {
    if (!this.#start) {
      throw new TypeError(`Responses of ${methodName(this.#method)} can be iterated only once`);
    }
    const call = this.#start();
    this.#start = null;
    return new ResponseIterator(call, this.#method);
  }
}

class ResponseIterator implements AsyncIterator<object> {
  readonly #call: OutgoingCall;
  readonly #method: DescMethod;
  #done = false;

  constructor(call: OutgoingCall, method: DescMethod) {
    this.#call = call;
    this.#method = method;
  }

  async next(): Promise<IteratorResult<object>> {
    if (this.#done) return { done: true, value: undefined };
    try {
      const bytes = await this.#call.inbox.take();
      if (bytes !== undefined) {
        return { done: false, value: decodeMessage(this.#method.output, bytes, Code.INTERNAL) };
      }
      this.#done = true;
      return { done: true, value: undefined };
    } catch (error) {
      this.#stop(asRpcError(error));
      throw error;
    }
  }

  return(): Promise<IteratorResult<object>> {
    this.#stop(new RpcError(Code.CANCELLED, "Caller stopped reading the responses"));
    return Promise.resolve({ done: true, value: undefined });
  }

  #stop(error: RpcError): void {
    this.#done = true;
    this.#call.fail(error);
    this.#call.inbox.drop(error);
  }
}

function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const { code, message } = toStatus(error);
  return new RpcError(code, message, { cause: error });
}
