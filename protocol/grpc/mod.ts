// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * gRPC with the types of protobuf-es: {@linkcode GrpcServer} for CRI, {@linkcode GrpcClient} for tests and tools.
 *
 * @module
 */
export { type CallOptions, type ClientMethods, GrpcClient, type GrpcClientOptions } from "./client.ts";
export { Encoded } from "./encoded.ts";
export type { Answer, CallContext, CallInfo, Handler, Handlers, Wrapper } from "./handler.ts";
export { MAX_MESSAGE_BYTES } from "./limits.ts";
export { GrpcServer, type GrpcServerOptions } from "./server.ts";
