// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { DescService } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Code, RpcError } from "../status.ts";
import type { Handlers, Wrapper } from "./handler.ts";
import { implementation, type RunningCall } from "./implementation.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { serviceDefinition } from "./service_definition.ts";

export interface GrpcServerOptions {
  /** Around every call, the first one outermost. @default none */
  readonly wrappers?: readonly Wrapper[];
  /** Longest request and longest answer in bytes. @default 16 MiB */
  readonly maxMessageBytes?: number;
}

/**
 * A gRPC server of typed services, without transport security: for unix sockets and loopback.
 *
 * @example
 * ```ts ignore
 * await using server = new GrpcServer().service(RuntimeService, { version: () => ({ version: "0.1.0" }) });
 * await server.listen("unix:/run/infranetes/infranetes.sock");
 * ```
 */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #wrappers: readonly Wrapper[];
  readonly #maxMessageBytes: number;
  readonly #running = new Set<RunningCall>();

  constructor({ wrappers = [], maxMessageBytes = MAX_MESSAGE_BYTES }: GrpcServerOptions = {}) {
    this.#wrappers = wrappers;
    this.#maxMessageBytes = maxMessageBytes;
    this.#server = new Server({
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      "grpc.enable_channelz": 0,
    });
  }

  /** Adds a service. Methods without a handler answer UNIMPLEMENTED. */
  service<Service extends DescService>(service: Service, handlers: Handlers<Service>): this {
    const options = {
      wrappers: this.#wrappers,
      maxMessageBytes: this.#maxMessageBytes,
      running: this.#running,
    };
    this.#server.addService(serviceDefinition(service), implementation(service, handlers, options));
    return this;
  }

  /**
   * Listens at `unix:<path>` or `<host>:<port>`; may be called once for each of several addresses.
   *
   * @returns The port, of use if port 0 was asked for; 1 for a unix socket.
   * @throws {Error} If the address is taken. A unix socket that a killed server left behind is not removed here.
   */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (cause, port) => {
        if (cause) reject(new Error(`Cannot listen at ${address}: ${cause.message}`, { cause }));
        else resolve(port);
      });
    });
  }

  /** Calls that are being answered. */
  get runningCalls(): number {
    return this.#running.size;
  }

  /**
   * Takes no more calls. Streams end at once with UNAVAILABLE; unary calls have `graceMs` to finish, then their signals
   * fire with UNAVAILABLE too and the connections are cut.
   */
  async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    this.#abort((call) => call.method.methodKind !== "unary");
    const timer = setTimeout(() => {
      this.#abort(() => true);
      this.#server.forceShutdown();
    }, graceMs);
    try {
      await closed;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #abort(which: (call: RunningCall) => boolean): void {
    const reason = new RpcError(Code.UNAVAILABLE, "The server is shutting down");
    for (const call of this.#running) if (which(call)) call.scope.abort(reason);
  }
}
