// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type Code, RpcError } from "../status.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { methodDefinition } from "./service_definition.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** From now on; the server is told. @default none */
  readonly timeoutMs?: number;
}

/** One method as a function. A stream's call begins with the first message asked for and ends with the loop. */
export type ClientMethod<Method extends Pick<DescMethod, "input" | "output" | "methodKind">> =
  Method["methodKind"] extends "unary" ? (
      input: MessageInitShape<Method["input"]>,
      options?: CallOptions,
    ) => Promise<MessageShape<Method["output"]>>
    : Method["methodKind"] extends "server_streaming" ? (
        input: MessageInitShape<Method["input"]>,
        options?: CallOptions,
      ) => AsyncIterable<MessageShape<Method["output"]>>
    : never;

export type ClientMethods<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: ClientMethod<Service["method"][Name]>;
};

export interface GrpcClientOptions {
  /** Longest request and longest answer in bytes. @default 16 MiB */
  readonly maxMessageBytes?: number;
}

/**
 * One connection, made with the first call, to a gRPC server at `unix:<path>` or `<host>:<port>`, without transport
 * security. Every error is an {@linkcode RpcError} with the server's code and message, but for an aborted call: that
 * rejects with the signal's reason.
 */
export class GrpcClient implements Disposable {
  readonly #client: Client;

  constructor(address: string, { maxMessageBytes = MAX_MESSAGE_BYTES }: GrpcClientOptions = {}) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      "grpc.enable_channelz": 0,
      // Without it clients of one address share a connection, and closing one would not close it.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** The methods of `service` over this connection. */
  service<Service extends DescService>(service: Service): ClientMethods<Service> {
    return Object.fromEntries(service.methods.map((method) => {
      switch (method.methodKind) {
        case "unary":
          return [method.localName, (input: never, options = {}) => this.#unary(method, input, options)];
        case "server_streaming":
          return [
            method.localName,
            (input: never, options = {}) => this.#serverStream(method, input, options),
          ];
        default:
          throw new TypeError(`Cannot call ${method.name}: ${method.methodKind} methods are not supported`);
      }
    })) as ClientMethods<Service>;
  }

  /** Ends the connection; calls in flight fail. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #unary(method: DescMethod, input: MessageInitShape<never>, options: CallOptions): Promise<Message> {
    const { signal } = options;
    signal?.throwIfAborted();
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const request = toBinary(method.input, create(method.input, input));
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      deadlineOf(options),
      (error, bytes) => error ? reject(rpcError(error)) : resolve(bytes!),
    );
    const onAbort = () => {
      call.cancel();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return fromBinary(method.output, await promise);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async *#serverStream(
    method: DescMethod,
    input: MessageInitShape<never>,
    options: CallOptions,
  ): AsyncGenerator<Message> {
    const { signal } = options;
    signal?.throwIfAborted();
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    const request = toBinary(method.input, create(method.input, input));
    const call: ClientReadableStream<Uint8Array> = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      deadlineOf(options),
    );
    // The iteration reports the error; but when it was left before, cancel() makes one that nobody waits for.
    call.on("error", () => {});
    const onAbort = () => call.destroy(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for await (const bytes of call) yield fromBinary(method.output, bytes);
    } catch (error) {
      signal?.throwIfAborted();
      throw rpcError(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      call.cancel();
    }
  }
}

function deadlineOf({ timeoutMs }: CallOptions): { deadline?: number } {
  // The wall clock, because grpc-js counts with it.
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function rpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const { code, details } = error as ServiceError;
  return new RpcError(code as Code, details, { cause: error });
}
