// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { SnapshotSchema } from "../../protocol/gen/agent_pb.ts";
import { NodeHarness } from "../testing/node_harness.ts";
import { idle } from "../testing/auto_clock.ts";
import { foldSnapshot } from "./snapshot.ts";

Deno.test("foldSnapshot() does not lose a container that was made after the snapshot", async () => {
  await using harness = await NodeHarness.open();
  const { node } = harness;
  const sandboxId = await harness.startNow();
  const container = await harness.addContainer(sandboxId, "main");
  const entry = node.model.container(container)!;
  const { bootId, vmId } = node.model.sandbox(sandboxId)!.facts;
  const incarnation = node.watches.incarnationOf(vmId);
  const made = node.folds.sequenceOf(entry, incarnation);
  const without = (sequence: bigint) =>
    foldSnapshot(node, node.agents.get(vmId)!, {
      sandboxId,
      sequence,
      incarnation,
      snapshot: create(SnapshotSchema, { sandboxId, bootId: bootId! }),
      first: true,
    });
  await without(made - 1n);
  await idle();
  assert.equal(entry.state.kind, "running");
  await without(made);
  await idle();
  assert.equal(entry.state.kind, "exited");
});
