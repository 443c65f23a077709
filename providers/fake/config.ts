// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import * as z from "zod";

const milliseconds = z.int().min(0).max(3_600_000);

export const fakeConfigSchema = z.strictObject({
  kind: z.literal("fake"),
  latency: z.strictObject({
    min: milliseconds.default(0).describe("Least duration of a call in milliseconds"),
    max: milliseconds.default(0).describe("Greatest duration of a call in milliseconds"),
  }).prefault({}).refine(({ min, max }) => min <= max, "Must have min not greater than max"),
  boot: milliseconds.default(0).describe(
    "Milliseconds from a VM's creation until it runs and its agent calls",
  ),
  silentAfter: milliseconds.default(0).describe(
    "Milliseconds that a VM runs until its agent falls silent for ever without closing its link. 0: never",
  ),
  deletion: milliseconds.default(0).describe("Milliseconds from the call to delete a VM until it is gone"),
  capacity: z.int().min(0).default(100_000).describe(
    "VMs that there is room for. One more is a capacity error",
  ),
  errorRate: z.number().min(0).max(1).default(0).describe("Share of calls that fail as unavailable"),
  spool: z.int().min(4096).default(1_048_576).describe("Bytes of log that an agent keeps per container"),
}).describe("VMs that exist only in the node's memory: for tests and load. No pod runs anything");

/** Knobs of the fake cloud. Times in milliseconds. */
export type FakeConfig = z.output<typeof fakeConfigSchema>;
