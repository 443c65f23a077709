// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { fileDesc, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  BytesValueSchema,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  UInt32ValueSchema,
} from "@bufbuild/protobuf/wkt";

const BYTES = ".google.protobuf.BytesValue";
const NUMBER = ".google.protobuf.UInt32Value";

const FILE = create(FileDescriptorProtoSchema, {
  name: "echo.proto",
  package: "infranetes.link.testing",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [{
    name: "Echo",
    method: [
      { name: "Say", inputType: BYTES, outputType: BYTES },
      { name: "Download", inputType: NUMBER, outputType: BYTES, serverStreaming: true },
      { name: "Upload", inputType: BYTES, outputType: NUMBER, clientStreaming: true },
      { name: "Chat", inputType: BYTES, outputType: BYTES, clientStreaming: true, serverStreaming: true },
    ],
  }],
});

/** A service with one method of each kind, for tests and benchmarks of the link. What they do is up to the handlers. */
export const Echo: GenService<{
  say: { methodKind: "unary"; input: typeof BytesValueSchema; output: typeof BytesValueSchema };
  download: {
    methodKind: "server_streaming";
    input: typeof UInt32ValueSchema;
    output: typeof BytesValueSchema;
  };
  upload: {
    methodKind: "client_streaming";
    input: typeof BytesValueSchema;
    output: typeof UInt32ValueSchema;
  };
  chat: { methodKind: "bidi_streaming"; input: typeof BytesValueSchema; output: typeof BytesValueSchema };
}> = serviceDesc(
  fileDesc(base64Encode(toBinary(FileDescriptorProtoSchema, FILE)), [file_google_protobuf_wrappers]),
  0,
);
