// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../../../lib/errors.ts";
import { KeyValueSchema } from "../../../protocol/gen/cri_pb.ts";
import { buildEnvironment } from "./environment.ts";

const DEFAULTS = { containerId: "c1", path: "/bin", hostname: "pod", terminationLog: "/state/log" };
const variable = (key: string, value: string | Uint8Array) =>
  create(KeyValueSchema, { key, value: typeof value === "string" ? new TextEncoder().encode(value) : value });

Deno.test("buildEnvironment() has defaults, what was asked for, and our own variables, and nothing else", () => {
  assert.deepEqual(buildEnvironment([variable("A", "ä=1\n"), variable("EMPTY", "")], DEFAULTS), {
    PATH: "/bin",
    HOSTNAME: "pod",
    A: "ä=1\n",
    EMPTY: "",
    INFRANETES_TERMINATION_LOG: "/state/log",
    INFRANETES_CONTAINER_ID: "c1",
  });
});

Deno.test("buildEnvironment() lets a container choose its PATH, and the last of equal names win", () => {
  const { PATH } = buildEnvironment([variable("PATH", "/a"), variable("PATH", "/b")], DEFAULTS);
  assert.equal(PATH, "/b");
});

Deno.test("buildEnvironment() names a variable whose value is not UTF-8, and keeps the value to itself", () => {
  const wrong = () =>
    buildEnvironment([variable("OK", "x"), variable("SECRET", Uint8Array.of(0x73, 0xff))], DEFAULTS);
  assert.throws(wrong, (error) => {
    assert(error instanceof InvalidArgumentError);
    assert.equal(error.message, "Environment variable SECRET has a value that is not UTF-8");
    return true;
  });
});

Deno.test("buildEnvironment() refuses what no environment can hold, and names that are ours", () => {
  for (
    const [key, value] of [["", "x"], ["A=B", "x"], ["A\0", "x"], ["A", "x\0y"], [
      "INFRANETES_CONTAINER_ID",
      "x",
    ]]
  ) {
    assert.throws(() => buildEnvironment([variable(key!, value!)], DEFAULTS), InvalidArgumentError, key);
  }
});
