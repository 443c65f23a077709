// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, toBinary } from "@bufbuild/protobuf";
import { ContainerConfigSchema, PodSandboxConfigSchema } from "../../protocol/gen/cri_pb.ts";
import type { ContainerFactsRow, SandboxFacts, VmFacts } from "../state/facts.ts";

/** A sandbox of which the intent is recorded, with these facts instead. */
export function sandboxRow(facts: Partial<SandboxFacts> = {}): SandboxFacts {
  return {
    id: "a".repeat(64),
    name: "web",
    namespace: "default",
    uid: "uid",
    attempt: 0,
    origin: "cri",
    runtimeHandler: "",
    profile: "default",
    config: toBinary(
      PodSandboxConfigSchema,
      create(PodSandboxConfigSchema, { labels: { app: "web" }, annotations: { a: "b" } }),
    ),
    configDigest: "digest",
    vmId: "b".repeat(32),
    createdAtNs: 1_795_244_400_123_456_789n,
    configuredAt: null,
    bootId: null,
    readyAt: null,
    addresses: [],
    phases: {},
    warnings: [],
    stopIntentAt: null,
    stoppedAt: null,
    lostReason: null,
    removeIntentAt: null,
    ...facts,
  };
}

/** The VM of {@linkcode sandboxRow}. */
export function vmRow(facts: Partial<VmFacts> = {}): VmFacts {
  return {
    vmId: "b".repeat(32),
    provider: "fake",
    sandboxId: "a".repeat(64),
    createToken: "token",
    createIntentAt: 1_795_244_400_123,
    instanceId: null,
    addresses: [],
    joinToken: "secret",
    boundKey: null,
    firstSessionAt: null,
    epoch: 0,
    bootId: null,
    deleteIntentAt: null,
    deletedAt: null,
    ...facts,
  };
}

/** A container of {@linkcode sandboxRow}, of which the intent is recorded. */
export function containerRow(facts: Partial<ContainerFactsRow> = {}): ContainerFactsRow {
  return {
    id: "c".repeat(64),
    sandboxId: "a".repeat(64),
    name: "main",
    attempt: 0,
    config: toBinary(
      ContainerConfigSchema,
      create(ContainerConfigSchema, {
        image: { image: "sha256:1", userSpecifiedImage: "busybox:1" },
        labels: { app: "web" },
      }),
    ),
    configDigest: "digest",
    imageId: "sha256:1",
    createdAtNs: 1_795_244_400_223_456_789n,
    createdOnAgentAt: null,
    startIntentAt: null,
    lastState: null,
    stopIntentAt: null,
    removeIntentAt: null,
    logBase: 0,
    logDevice: null,
    logInode: null,
    warnings: [],
    ...facts,
  };
}
