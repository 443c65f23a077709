// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { FailedPreconditionError } from "../../lib/errors.ts";
import type { Sandbox, WatchRequest } from "../../protocol/gen/agent_pb.ts";
import type { CallContext, ServiceImpl } from "../../protocol/link/router.ts";
import type { FakeAgent } from "./agent.ts";
import { sameBytes } from "./same_bytes.ts";
import type { WatchEvent, WatchFeed } from "./watch_feed.ts";

type AgentOf = (context: CallContext) => FakeAgent;

/** The service Sandbox as the fake agent answers it. */
export function sandboxService(agentOf: AgentOf): ServiceImpl<typeof Sandbox> {
  return {
    configure({ sandboxId: id, config, addresses }, context) {
      const agent = agentOf(context);
      const { sandbox } = agent;
      if (sandbox && (sandbox.id !== id || !sameBytes(sandbox.config, config))) {
        throw new FailedPreconditionError(
          `Cannot configure sandbox ${id}: this VM is bound to ${sandbox.id}`,
        );
      }
      agent.sandbox ??= { id, config: config.slice(), addresses };
      return { bootId: agent.bootId };
    },
    watch: (requests, context) => watch(agentOf(context), requests, context),
    describe(_request, context) {
      const { sandbox, containers } = agentOf(context);
      return {
        sandboxId: sandbox?.id ?? "",
        config: sandbox?.config ?? new Uint8Array(0),
        addresses: [...sandbox?.addresses ?? []],
        containers: [...containers.values()].map(({ id, config, state }) => ({ id, config, state })),
      };
    },
    setNodes({ nodes }, context) {
      agentOf(context).nodes = nodes;
      return {};
    },
    shutdown(_request, context) {
      // After the answer: the VM's end closes the session.
      setTimeout(() => agentOf(context).powerOff(), 0);
      return {};
    },
  };
}

async function* watch(
  agent: FakeAgent,
  requests: AsyncIterable<WatchRequest>,
  { session, signal }: CallContext,
) {
  const feed = agent.openFeed(session);
  if (!feed) throw new FailedPreconditionError("Cannot watch twice in one session");
  const first: WatchEvent = {
    incarnation: agent.incarnation,
    sequence: agent.sequence,
    event: { case: "snapshot", value: agent.snapshot() },
  };
  void readAcknowledgements(agent, requests);
  void beat(agent, feed, signal);
  yield first;
  yield* feed.read(signal);
}

async function readAcknowledgements(agent: FakeAgent, requests: AsyncIterable<WatchRequest>): Promise<void> {
  try {
    for await (const { acknowledged } of requests) agent.acknowledged = acknowledged;
  } catch {
    return; // The call is over; whoever watches learns that from the call itself.
  }
}

async function beat(agent: FakeAgent, feed: WatchFeed, signal: AbortSignal): Promise<void> {
  await agent.greeted;
  try {
    while (!signal.aborted) {
      await agent.clock.sleep(agent.heartbeatMs, signal);
      agent.heartbeat(feed);
    }
  } catch {
    return; // The signal cut the sleep short: the watch is over.
  }
}
