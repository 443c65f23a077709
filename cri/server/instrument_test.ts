// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { NotFoundError, UnavailableError } from "../../lib/errors.ts";
import { RuntimeService } from "../../protocol/gen/cri_pb.ts";
import type { CallInfo } from "../../protocol/grpc/mod.ts";
import { formatJson } from "./log_format.ts";
import { instrument } from "./instrument.ts";

/** Does one call through the wrapper and answers what was logged. */
async function logged(
  name: keyof typeof RuntimeService.method,
  fields: Record<string, unknown>,
  proceed: () => Promise<void> = () => Promise.resolve(),
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { memory: (record: LogRecord) => void records.push(record) },
    loggers: [
      { category: ["infranetes"], sinks: ["memory"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "warning" },
    ],
  });
  try {
    let now = 1000;
    const clock = { now: () => now += 7, nowNs: () => 0n, sleep: () => Promise.resolve() };
    const method = RuntimeService.method[name];
    const call = { method, request: create(method.input, fields), context: {} } as unknown as CallInfo;
    await instrument(clock)(call, proceed).catch(() => {});
  } finally {
    await reset();
  }
  return records;
}

function levels(records: readonly LogRecord[]): string[] {
  return records.map(({ level }) => level);
}

Deno.test("instrument() logs a call that changes something at info, with what it is about and how long it took", async () => {
  const [record] = await logged("stopContainer", { containerId: "4f", timeout: 3n });
  assert.equal(record!.level, "info");
  assert.deepEqual(record!.properties, { method: "StopContainer", code: "OK", ms: 7, container: "4f" });
});

for (
  const name of [
    "listContainers",
    "version",
    "podSandboxStatus",
    "containerStats",
    "execSync",
    "streamContainers",
  ] as const
) {
  Deno.test(`instrument() logs ${name} at debug only`, async () => {
    assert.deepEqual(levels(await logged(name, {})), ["debug"]);
  });
}

Deno.test("instrument() logs a failure at warning with code and message", async () => {
  const failing = () => Promise.reject(new UnavailableError("No room"));
  const [record] = await logged("runPodSandbox", {
    config: { metadata: { name: "p", namespace: "n", uid: "u" } },
  }, failing);
  const { method, code, error, namespace, uid } = record!.properties;
  assert.deepEqual([record!.level, method, code, error, namespace, uid], [
    "warning",
    "RunPodSandbox",
    "UNAVAILABLE",
    "No room",
    "n",
    "u",
  ]);
});

Deno.test("instrument() takes it as no failure that what a read asks for is gone", async () => {
  const gone = () => Promise.reject(new NotFoundError("Gone"));
  assert.deepEqual(levels(await logged("containerStatus", { containerId: "4f" }, gone)), ["debug"]);
  assert.deepEqual(levels(await logged("startContainer", { containerId: "4f" }, gone)), ["warning"]);
});

Deno.test("instrument() passes the error of a call on", async () => {
  const error = new NotFoundError("Gone");
  const method = RuntimeService.method.version;
  const call = { method, request: create(method.input), context: {} } as unknown as CallInfo;
  const clock = { now: () => 0, nowNs: () => 0n, sleep: () => Promise.resolve() };
  await assert.rejects(instrument(clock)(call, () => Promise.reject(error)), error);
});

Deno.test("instrument() lets no secret into the log, at any level", async () => {
  const secret = "hunter2";
  const records = await logged("createContainer", {
    podSandboxId: "4f",
    config: {
      metadata: { name: "main" },
      envs: [{ key: "PASSWORD", value: new TextEncoder().encode(secret) }],
      command: [secret],
      args: [secret],
      annotations: { a: secret },
    },
    sandboxConfig: { annotations: { a: secret } },
  });
  assert.deepEqual(levels(records), ["info", "debug"]);
  assert(!records.map(formatJson).join("").includes(secret));
});
