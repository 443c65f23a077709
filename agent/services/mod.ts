// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Containers, Sandbox } from "../../protocol/gen/agent_pb.ts";
import { Router } from "../../protocol/link/router.ts";
import type { Agent } from "./agent.ts";
import { createContainer } from "./container_create.ts";
import { exec } from "./container_exec.ts";
import { logs, trimLogs } from "./container_logs.ts";
import { removeContainer } from "./container_remove.ts";
import { startContainer } from "./container_start.ts";
import { stopContainer } from "./container_stop.ts";
import { configure } from "./sandbox_configure.ts";
import { describe } from "./sandbox_describe.ts";
import { setNodes } from "./sandbox_set_nodes.ts";
import { shutdown } from "./sandbox_shutdown.ts";
import { watch } from "./sandbox_watch.ts";

/** Everything that a node may call on an agent, one file a call. */
export function agentRouter(agent: Agent): Router {
  return new Router()
    .service(Sandbox, {
      configure: (request) => configure(agent, request),
      watch: (requests, context) => watch(agent, requests, context),
      describe: () => describe(agent),
      setNodes: (request) => setNodes(agent, request),
      shutdown: (request, context) => shutdown(agent, request, context),
    })
    .service(Containers, {
      create: (request, context) => createContainer(agent, request, context),
      start: (request, context) => startContainer(agent, request, context),
      stop: (request, context) => stopContainer(agent, request, context),
      remove: (request, context) => removeContainer(agent, request, context),
      exec: (requests, context) => exec(agent, requests, context),
      logs: (request, context) => logs(agent, request, context),
      trimLogs: (request) => trimLogs(agent, request),
    });
}
