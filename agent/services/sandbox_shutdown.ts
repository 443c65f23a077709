// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { ShutdownRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";

/** Stops all containers, answers, and then ends the VM: the answer's frame is on its way before the session is closed. */
export async function shutdown(
  agent: Agent,
  { graceMs }: ShutdownRequest,
  { signal, session }: CallContext,
): Promise<Record<string, never>> {
  await agent.shutDown(Number(graceMs), signal);
  setTimeout(() => {
    session.close("VM is shut down");
    agent.end();
  });
  return {};
}
