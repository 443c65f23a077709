// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { deadline } from "../lib/deadline.ts";
import { InvalidArgumentError, UnavailableError } from "../lib/errors.ts";
import type { ExecRequestSchema } from "../protocol/gen/agent_pb.ts";
import {
  type ExecSyncRequest,
  type ExecSyncResponse,
  ExecSyncResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/grpc/limits.ts";
import type { AgentLink } from "./agent_link.ts";
import { linkOf } from "./container_agent.ts";
import { requireRunning } from "./container_find.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";

/** Stdout and stderr together, so that the answer with its framing fits into one message. What is more is dropped. */
export const EXEC_OUTPUT_MAX_BYTES = MAX_MESSAGE_BYTES - 1024;
/** Between the agent's deadline, which kills the command, and ours, which only ends the call. */
const AGENT_MARGIN_MS = 10_000;
/** Longest time that an agent is told. 0 is none. */
const TIMEOUT_MAX_S = 86_400n * 365n;

/**
 * Runs a command in a running container and answers what it wrote and its exit code, whatever that is. If it takes
 * longer than `timeout` seconds its whole process group is killed and the call is DEADLINE_EXCEEDED.
 *
 * @throws {FailedPreconditionError} if the container does not run
 * @throws {UnavailableError} if the session with the VM ends meanwhile: the command is killed
 */
export async function execSync(
  node: Node,
  { containerId, cmd, timeout }: ExecSyncRequest,
  ctx: RpcContext,
): Promise<ExecSyncResponse> {
  const entry = requireRunning(node, containerId, "ExecSync");
  if (cmd.length === 0) throw new InvalidArgumentError("ExecSync needs 'cmd'");
  const link = await linkOf(node, entry.sandbox, ctx);
  const seconds = timeout < 0n ? 0n : timeout > TIMEOUT_MAX_S ? TIMEOUT_MAX_S : timeout;
  const start = {
    containerId: entry.id,
    command: cmd,
    timeoutMs: seconds * 1000n,
    outputLimit: BigInt(EXEC_OUTPUT_MAX_BYTES),
  };
  if (seconds === 0n) return await run(link, start, ctx.signal);
  // The agent may be a liar: without this one a probe would never end.
  using limit = deadline(Number(seconds) * 1000 + AGENT_MARGIN_MS, {
    clock: node.clock,
    parents: [ctx.signal],
    what: `Command '${cmd[0]}' in container ${entry.id}`,
  });
  return await run(link, start, limit.signal);
}

type Start = Extract<MessageInitShape<typeof ExecRequestSchema>["event"], { case: "start" }>["value"];

async function run(link: AgentLink, start: Start, signal: AbortSignal): Promise<ExecSyncResponse> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  let room = EXEC_OUTPUT_MAX_BYTES;
  const keep = (chunks: Uint8Array[], bytes: Uint8Array) => {
    const kept = bytes.subarray(0, room);
    room -= kept.length;
    if (kept.length > 0) chunks.push(kept);
  };
  for await (const { event } of link.containers.exec(requests(start), { signal })) {
    switch (event.case) {
      case "stdout":
        keep(stdout, event.value);
        break;
      case "stderr":
        keep(stderr, event.value);
        break;
      case "exit": {
        const { exitCode } = event.value;
        return create(ExecSyncResponseSchema, { stdout: joined(stdout), stderr: joined(stderr), exitCode });
      }
    }
  }
  throw new UnavailableError(`Agent of VM ${link.vmId} ended a command without its exit code`);
}

async function* requests(start: Start): AsyncGenerator<MessageInitShape<typeof ExecRequestSchema>> {
  yield { event: { case: "start", value: start } };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result;
}
