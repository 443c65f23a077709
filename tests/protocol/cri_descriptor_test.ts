// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Is `protocol/cri.proto` the API that kubelets speak? Compared with the published Go module; needs `go`. */

import assert from "node:assert/strict";
import { clone, createFileRegistry, type DescFile, fromBinary, ScalarType } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import {
  AuthConfigSchema,
  file_cri,
  ImageService,
  KeyValueSchema,
  RuntimeService,
} from "../../protocol/gen/cri_pb.ts";
import { descriptorFacts, differences } from "./descriptor_facts.ts";

/** The descriptors of the module that `cri_descriptor/go.mod` pins. A cold build cache takes most of a minute. */
async function publishedSet(): Promise<FileDescriptorSet> {
  const { success, stdout, stderr } = await new Deno.Command("go", {
    args: ["run", "."],
    cwd: `${import.meta.dirname}/cri_descriptor`,
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(600_000),
  }).output();
  assert.ok(success, `Cannot print the published descriptors: ${new TextDecoder().decode(stderr)}`);
  return fromBinary(FileDescriptorSetSchema, stdout);
}

function criFile(set: FileDescriptorSet): DescFile {
  const file = [...createFileRegistry(set).files].find((file) => file.proto.package === "runtime.v1");
  assert.ok(file, "The published set has a file of package runtime.v1");
  return file;
}

function redactedFields(): string[] {
  return AuthConfigSchema.fields.filter((field) => field.proto.options?.debugRedact).map((field) =>
    field.name
  );
}

Deno.test("cri.proto has the descriptors of the published module", async () => {
  const published = descriptorFacts(criFile(await publishedSet()));
  assert.ok(published.size > 700, `A comparison of ${published.size} facts is one of too few`);
  assert.deepEqual(differences(published, descriptorFacts(file_cri)), []);
});

Deno.test("differences() tells a changed type, a changed number and a missing field", () => {
  const ours = clone(FileDescriptorProtoSchema, file_cri.proto);
  const message = (name: string) => ours.messageType.find((message) => message.name === name)!;
  message("KeyValue").field[1]!.type = FieldDescriptorProto_Type.STRING;
  message("PodIP").field[0]!.number = 7;
  message("Device").field.pop();
  const changed = [...createFileRegistry(ours, () => undefined).files][0]!;
  assert.deepEqual(differences(descriptorFacts(file_cri), descriptorFacts(changed)), [
    'runtime.v1.Device.permissions: published "3 STRING, presence 2, json permissions", ours "nothing"',
    'runtime.v1.KeyValue.value: published "2 BYTES, presence 2, json value", ours "2 STRING, presence 2, json value"',
    'runtime.v1.PodIP.ip: published "1 STRING, presence 2, json ip", ours "7 STRING, presence 2, json ip"',
  ]);
});

Deno.test("cri.proto has 35 and 6 methods, of which 7 stream", () => {
  const methods = [...RuntimeService.methods, ...ImageService.methods];
  assert.deepEqual([RuntimeService.methods.length, ImageService.methods.length], [35, 6]);
  const streams = methods.filter((method) => method.methodKind === "server_streaming");
  assert.deepEqual(streams.map((method) => method.name).sort(), [
    "GetContainerEvents",
    "StreamContainerStats",
    "StreamContainers",
    "StreamImages",
    "StreamPodSandboxMetrics",
    "StreamPodSandboxStats",
    "StreamPodSandboxes",
  ]);
  assert.equal(
    methods.length - streams.length,
    methods.filter((method) => method.methodKind === "unary").length,
  );
});

Deno.test("cri.proto declares environment values as bytes", () => {
  const value = KeyValueSchema.field.value;
  assert.equal(value.scalar, ScalarType.BYTES);
});

Deno.test("cri.proto marks the secrets of AuthConfig for redaction", () => {
  assert.deepEqual(redactedFields(), ["password", "auth", "identity_token", "registry_token"]);
});
