// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  CreateContainerRequestSchema,
  PodSandboxConfigSchema,
  RunPodSandboxRequestSchema,
  StopContainerRequestSchema,
} from "./gen/cri_pb.ts";
import { rawField } from "./raw_field.ts";

Deno.test("rawField() gives the bytes of a message field, whatever stands around it", () => {
  fc.assert(fc.property(fc.string(), fc.string(), fc.string(), (id, hostname, logDirectory) => {
    const config = { hostname, logDirectory };
    const request = create(CreateContainerRequestSchema, {
      podSandboxId: id,
      config: {},
      sandboxConfig: config,
    });
    const expected = toBinary(PodSandboxConfigSchema, create(PodSandboxConfigSchema, config));
    assert.deepEqual(rawField(toBinary(CreateContainerRequestSchema, request), 3), expected);
  }));
});

Deno.test("rawField() keeps order, unknown fields and non-minimal numbers as they came", () => {
  // config = { log_directory "b" (3), hostname "a" (2), unknown field 100 = 1 as a varint of two bytes }
  const config = [0x1a, 1, 0x62, 0x12, 1, 0x61, 0xa0, 0x06, 0x81, 0x00];
  assert.deepEqual([...rawField(new Uint8Array([0x0a, config.length, ...config, 0x12, 0]), 1)!], config);
});

Deno.test("rawField() tells absent from empty", () => {
  assert.equal(rawField(new Uint8Array(), 1), undefined);
  assert.deepEqual(rawField(new Uint8Array([0x0a, 0]), 1), new Uint8Array());
});

Deno.test("rawField() merges a field that occurs twice as protobuf does", () => {
  const halves = [{ hostname: "a" }, { logDirectory: "b" }].map((config) =>
    toBinary(RunPodSandboxRequestSchema, create(RunPodSandboxRequestSchema, { config }))
  );
  const bytes = new Uint8Array(halves.flatMap((half) => [...half]));
  const merged = fromBinary(PodSandboxConfigSchema, rawField(bytes, 1)!);
  assert.deepEqual(merged, fromBinary(RunPodSandboxRequestSchema, bytes).config);
});

Deno.test("rawField() throws on a message that is cut short, and on a field that is no message", () => {
  assert.throws(() => rawField(new Uint8Array([0x0a, 5, 1]), 1), RangeError);
  const request = toBinary(StopContainerRequestSchema, create(StopContainerRequestSchema, { timeout: 5n }));
  assert.throws(() => rawField(request, 2), /^TypeError: Cannot take field 2: it has wire type 0/);
});
