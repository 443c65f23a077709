// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { Buffer } from "node:buffer";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;

/**
 * A service for grpc-js, by local method names. It carries bytes in both directions: messages are encoded and decoded
 * by us, because grpc-js hides what went wrong with them.
 */
export function serviceDefinition(service: DescService): ServiceDefinition<UntypedServiceImplementation> {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));
}

export function methodDefinition(method: DescMethod): RawMethod {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: toBuffer,
    requestDeserialize: asBytes,
    responseSerialize: toBuffer,
    responseDeserialize: asBytes,
    originalName: method.localName,
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Not the Buffer itself: fields of type bytes are views of it and would be Buffers too.
function asBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
