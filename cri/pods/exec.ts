// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { create } from "@bufbuild/protobuf";
import { FailedPreconditionError, UnavailableError } from "../../lib/errors.ts";
import { type ExecRequest, ExecRequestSchema, type ExecResponse } from "../../protocol/gen/agent_pb.ts";
import type { AgentLink } from "../agent_link.ts";
import type { ExecFrame } from "../http/exec_frames.ts";
import type { Pods } from "./pods.ts";

export interface ExecOptions {
  readonly container: string | undefined;
  readonly command: readonly string[];
  /** Ends the wait for the VM's link. */
  readonly signal: AbortSignal;
}

/** Commands in containers of stand-alone pods. */
export class PodExec {
  readonly #pods: Pick<Pods, "run">;
  readonly #linkOf: (vmId: string, signal: AbortSignal) => Promise<Pick<AgentLink, "containers">>;

  /** @param linkOf the current or next session of a VM */
  constructor(
    pods: Pick<Pods, "run">,
    linkOf: (vmId: string, signal: AbortSignal) => Promise<Pick<AgentLink, "containers">>,
  ) {
    this.#pods = pods;
    this.#linkOf = linkOf;
  }

  /**
   * Finds the container. What it answers runs the command, without standard input, and kills it when the signal fires.
   *
   * @throws {NotFoundError} if there is no such pod or container
   * @throws {FailedPreconditionError} if the container does not run
   */
  async open(
    namespace: string,
    name: string,
    options: ExecOptions,
  ): Promise<(signal: AbortSignal) => AsyncIterable<ExecFrame>> {
    const { command, signal } = options;
    const { sandbox, entry, container } = this.#pods.run(namespace, name, options.container);
    if (entry.state.kind !== "running") {
      throw new FailedPreconditionError(
        `Container "${container}" of pod ${namespace}/${name} does not run: it is ${entry.state.kind}`,
      );
    }
    const link = await this.#linkOf(sandbox.facts.vmId, signal);
    return (gone) => framesOf(link.containers.exec(request(entry.id, command), { signal: gone }));
  }
}

async function* request(containerId: string, command: readonly string[]): AsyncGenerator<ExecRequest> {
  yield create(ExecRequestSchema, {
    event: { case: "start", value: { containerId, command: [...command], tty: false, stdin: false } },
  });
}

async function* framesOf(responses: AsyncIterable<ExecResponse>): AsyncGenerator<ExecFrame> {
  for await (const { event } of responses) {
    switch (event.case) {
      case "stdout":
        yield { kind: "stdout", data: event.value };
        break;
      case "stderr":
        yield { kind: "stderr", data: event.value };
        break;
      case "exit":
        return yield { kind: "exit", exitCode: event.value.exitCode };
    }
  }
  throw new UnavailableError("The agent ended the call before the command ended");
}
