// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { type LogsRequest, type TrimLogsRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { Agent } from "./agent.ts";

/** The log from an offset on until the container has exited and all was sent. */
export async function* logs(
  agent: Agent,
  { containerId, offset, orOldest }: LogsRequest,
  { signal }: CallContext,
): AsyncGenerator<{ offset: bigint; data: Uint8Array }> {
  const { log } = agent.requireContainer(containerId).engine;
  let at = orOldest ? Math.max(Number(offset), log.start) : Number(offset);
  try {
    for await (const data of log.read(at, signal)) {
      yield { offset: BigInt(at), data };
      at += data.length;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RpcError(Code.OUT_OF_RANGE, error.message, { cause: error });
  }
}

/** Frees what the node has on its disk. */
export async function trimLogs(
  agent: Agent,
  { containerId, durableOffset }: TrimLogsRequest,
): Promise<Record<string, never>> {
  await agent.requireContainer(containerId).engine.log.trim(Number(durableOffset));
  return {};
}
