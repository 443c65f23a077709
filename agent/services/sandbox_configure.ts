// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError } from "../../lib/errors.ts";
import type { ConfigureRequest } from "../../protocol/gen/agent_pb.ts";
import type { Agent } from "./agent.ts";
import { sameBytes } from "./same_bytes.ts";
import { checkId, sandboxSpec } from "./specs.ts";

/**
 * Binds the VM to a sandbox, once and for ever.
 *
 * @throws {FailedPreconditionError} if it is bound to another sandbox, or to this one with another configuration
 */
export async function configure(agent: Agent, request: ConfigureRequest): Promise<{ bootId: string }> {
  agent.refuseIfEnding();
  checkId("sandbox", request.sandboxId);
  await agent.turns.take("configure", async () => {
    if (agent.sandbox) return checkSame(agent.sandbox.request, request);
    await agent.bind({ request, spec: await sandboxSpec(request) });
  });
  // Containers follow at once: what they need is loaded while the answer travels.
  agent.engine().catch(() => {});
  return { bootId: agent.bootId };
}

function checkSame(bound: ConfigureRequest, asked: ConfigureRequest): void {
  if (bound.sandboxId !== asked.sandboxId) {
    throw new FailedPreconditionError(
      `This VM is bound to sandbox ${bound.sandboxId}: it cannot become sandbox ${asked.sandboxId}`,
    );
  }
  const same = sameBytes(bound.config, asked.config) && bound.addresses.join() === asked.addresses.join();
  if (same) return;
  throw new FailedPreconditionError(
    `Sandbox ${bound.sandboxId} is configured already, with another configuration`,
  );
}
