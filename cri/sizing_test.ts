// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "../lib/errors.ts";
import { LinuxPodSandboxConfigSchema, PodSandboxConfigSchema } from "../protocol/gen/cri_pb.ts";
import type { Profile } from "./config/schema.ts";
import { chooseSize } from "./sizing.ts";

const MIB = 2 ** 20;
const profile: Profile = {
  provider: "fake",
  image: "",
  engine: "exec",
  sizes: [{ cpus: 1, memoryBytes: 512 * MIB }, { cpus: 2, memoryBytes: 1024 * MIB }, {
    cpus: 8,
    memoryBytes: 4096 * MIB,
  }],
};

function choose(linux: MessageInitShape<typeof LinuxPodSandboxConfigSchema> | undefined): number {
  return chooseSize("default", profile, create(PodSandboxConfigSchema, linux ? { linux } : {})).cpus;
}

const mib = (count: number) => BigInt(count * MIB);
const cases: [string, MessageInitShape<typeof LinuxPodSandboxConfigSchema> | undefined, number][] = [
  ["nothing", undefined, 1],
  ["no resources", { resources: {} }, 1],
  ["the kubelet's least shares", { resources: { cpuShares: 2n } }, 1],
  ["a request of exactly one CPU", { resources: { cpuShares: 1024n } }, 1],
  ["a request of a little more", { resources: { cpuShares: 1025n } }, 2],
  ["a limit of 1.5 CPUs", { resources: { cpuShares: 102n, cpuQuota: 150_000n, cpuPeriod: 100_000n } }, 2],
  ["no CPU limit in the kubelet's words", {
    resources: { cpuShares: 102n, cpuQuota: -1n, cpuPeriod: 100_000n },
  }, 1],
  ["600 MiB", { resources: { memoryLimitInBytes: mib(600) } }, 2],
  ["exactly the smallest", { resources: { memoryLimitInBytes: mib(512) } }, 1],
  ["the smallest with an overhead", {
    resources: { memoryLimitInBytes: mib(512) },
    overhead: { memoryLimitInBytes: mib(1) },
  }, 2],
  ["little memory and many CPUs", { resources: { cpuQuota: 700_000n, cpuPeriod: 100_000n } }, 8],
];

for (const [what, linux, cpus] of cases) {
  Deno.test(`chooseSize() gives a pod that asks for ${what} the first size that holds it`, () => {
    assert.equal(choose(linux), cpus);
  });
}

Deno.test("chooseSize() refuses a pod that no size holds, and says what there is", () => {
  assert.throws(() => choose({ resources: { memoryLimitInBytes: mib(5000) } }), (error) => {
    assert.ok(error instanceof InvalidArgumentError);
    assert.match(error.message, /largest size of profile 'default' has 8 and 4294967296/);
    return true;
  });
});
