// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import {
  AuthConfigSchema,
  CreateContainerRequestSchema,
  ExecSyncRequestSchema,
  ListPodSandboxRequestSchema,
  PodSandboxState,
  PullImageRequestSchema,
} from "../../protocol/gen/cri_pb.ts";
import { redact } from "./redact.ts";

const SECRET = "hunter2";
const BYTES = new TextEncoder().encode(SECRET);

Deno.test("redact() shows nothing of an image's credentials but the user and the server", () => {
  const auth = create(AuthConfigSchema, {
    username: "me",
    password: SECRET,
    auth: SECRET,
    serverAddress: "registry.example",
    identityToken: SECRET,
    registryToken: SECRET,
  });
  const text = JSON.stringify(redact(PullImageRequestSchema, create(PullImageRequestSchema, { auth })));
  assert(!text.includes(SECRET), text);
  assert(text.includes('"username":"me"') && text.includes('"password":"[redacted]"'), text);
});

Deno.test("redact() shows nothing of a container's variables, command and annotations", () => {
  const request = create(CreateContainerRequestSchema, {
    podSandboxId: "4f",
    config: {
      metadata: { name: "main", attempt: 1 },
      envs: [{ key: "PASSWORD", value: BYTES }],
      command: ["login", SECRET],
      args: [SECRET],
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": SECRET },
      labels: { app: "web" },
    },
  });
  const redacted = redact(CreateContainerRequestSchema, request);
  assert(!JSON.stringify(redacted).includes(SECRET));
  assert.deepEqual(redacted, {
    pod_sandbox_id: "4f",
    config: {
      metadata: { name: "main", attempt: 1 },
      envs: [{ key: "PASSWORD", value: "[7 bytes]" }],
      command: "[redacted]",
      args: "[redacted]",
      annotations: "[redacted]",
      labels: { app: "web" },
    },
  });
});

Deno.test("redact() shows nothing of a command to run", () => {
  const request = create(ExecSyncRequestSchema, {
    containerId: "4f",
    cmd: ["mysql", `-p${SECRET}`],
    timeout: 3n,
  });
  assert.deepEqual(redact(ExecSyncRequestSchema, request), {
    container_id: "4f",
    cmd: "[redacted]",
    timeout: "3",
  });
});

Deno.test("redact() shows a wrapper message of which the value is zero", () => {
  const request = create(ListPodSandboxRequestSchema, {
    filter: { state: { state: PodSandboxState.SANDBOX_READY } },
  });
  const text = JSON.stringify(redact(ListPodSandboxRequestSchema, request));
  assert.equal(text, '{"filter":{"state":{}}}');
});

Deno.test("redact() cuts long texts and long lists", () => {
  const envs = Array.from({ length: 1000 }, (_, i) => ({ key: `K${i}`, value: BYTES }));
  const config = { envs, workingDir: "x".repeat(100_000) };
  const text = JSON.stringify(
    redact(CreateContainerRequestSchema, create(CreateContainerRequestSchema, { config })),
  );
  assert(text.length < 3000, String(text.length));
});
