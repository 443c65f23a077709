// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** A mutating call's answer carries the container's new state: it is in the model before the caller has its own answer. */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type { ContainerState } from "../../protocol/gen/agent_pb.ts";
import { StartContainerRequestSchema, StopContainerRequestSchema } from "../../protocol/gen/cri_pb.ts";
import { startContainer } from "../container_start.ts";
import { stopContainer } from "../container_stop.ts";
import { answerInstead } from "../testing/agent_answers.ts";
import { createNow } from "../testing/container_request.ts";
import { NodeHarness } from "../testing/node_harness.ts";

/** Marks a state that came with an answer: no watch tells it. */
const PID = 4711;

type Answering = (request: never, options: never) => Promise<{ state?: ContainerState }>;

for (const method of ["create", "start", "stop"] as const) {
  Deno.test(`what the agent answers to ${method} is in the model before the call answers`, async () => {
    await using harness = await NodeHarness.open();
    const sandbox = await harness.startNow();
    answerInstead(harness, sandbox, method, (real) => {
      const answer: Answering = async (request, options) => {
        const response = await (real as Answering)(request, options);
        response.state!.pid = PID;
        response.state!.sequence += 1000n;
        return response;
      };
      return answer as typeof real;
    });
    const containerId = await createNow(harness, sandbox, "app");
    if (method !== "create") {
      const request = create(StartContainerRequestSchema, { containerId });
      await startContainer(harness.node, request, harness.context());
    }
    if (method === "stop") {
      const request = create(StopContainerRequestSchema, { containerId });
      await stopContainer(harness.node, request, harness.context());
    }
    assert.equal(harness.node.model.container(containerId)!.agentState!.pid, PID);
  });
}
