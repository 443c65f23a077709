// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { AlreadyExistsError, FailedPreconditionError } from "../../lib/errors.ts";
import type { Containers, CreateRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext, ServiceImpl } from "../../protocol/link/router.ts";
import type { FakeAgent } from "./agent.ts";
import type { FakeContainer } from "./container.ts";
import { exec } from "./exec.ts";
import { sameBytes } from "./same_bytes.ts";

/** What SIGTERM makes of a program without a handler. */
const TERMINATED = 143;

/** The service Containers as the fake agent answers it. */
export function containerService(
  agentOf: (context: CallContext) => FakeAgent,
): ServiceImpl<typeof Containers> {
  return {
    create: (request, context) => ({ state: createContainer(agentOf(context), request).state, warnings: [] }),
    start: ({ containerId }, context) => ({ state: agentOf(context).container(containerId).start() }),
    stop: ({ containerId }, context) => ({
      state: agentOf(context).container(containerId).exit(TERMINATED),
    }),
    remove: ({ containerId }, context) => ({ sequence: agentOf(context).removeContainer(containerId) }),
    exec: (requests, context) => exec(agentOf(context), requests, context),
    logs({ containerId, offset, orOldest }, context) {
      const { log } = agentOf(context).container(containerId);
      return log.read(orOldest ? Math.max(Number(offset), log.start) : Number(offset), context.signal);
    },
    trimLogs({ containerId, durableOffset }, context) {
      agentOf(context).container(containerId).log.trim(Number(durableOffset));
      return {};
    },
  };
}

function createContainer(agent: FakeAgent, { sandboxId, containerId, config }: CreateRequest): FakeContainer {
  if (agent.sandbox?.id !== sandboxId) {
    throw new FailedPreconditionError(
      `Cannot create container ${containerId} in sandbox ${sandboxId}: this VM is ${
        agent.sandbox?.id ?? "not bound"
      }`,
    );
  }
  const known = agent.containers.get(containerId);
  if (!known) return agent.addContainer(containerId, config.slice());
  if (sameBytes(known.config, config)) return known;
  throw new AlreadyExistsError(`Container ${containerId} exists with another configuration`);
}
