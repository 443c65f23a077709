// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { statfs } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { untilAborted } from "../lib/deadline.ts";
import { VERSION } from "../lib/version.ts";
import {
  type RuntimeCondition,
  RuntimeConditionSchema,
  RuntimeFeaturesSchema,
  RuntimeHandlerFeaturesSchema,
  RuntimeHandlerSchema,
  RuntimeStatusSchema,
  type StatusRequest,
  type StatusResponse,
  StatusResponseSchema,
} from "../protocol/gen/cri_pb.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import { POD_CIDR } from "./update_runtime_config.ts";

/** With less left on its disk the node could not record what it does. */
const STATE_FREE_MIN_BYTES = 16 * 1024 * 1024;

/** Whether pods can be run now, and if not, why. Asked every few seconds: no VM and no cloud is. */
export async function status(
  node: Node,
  { verbose }: StatusRequest,
  ctx: RpcContext,
): Promise<StatusResponse> {
  const problem = await untilAborted(runtimeProblem(node), ctx.signal);
  const features = create(RuntimeHandlerFeaturesSchema);
  // The default handler has the empty name; it is one of the profiles, which have their own names too.
  const runtimeHandlers = ["", ...Object.keys(node.config.profiles)]
    .map((name) => create(RuntimeHandlerSchema, { name, features }));
  return create(StatusResponseSchema, {
    status: create(RuntimeStatusSchema, {
      conditions: [condition("RuntimeReady", problem), condition("NetworkReady", networkProblem(node))],
    }),
    runtimeHandlers,
    features: create(RuntimeFeaturesSchema),
    info: verbose ? { info: JSON.stringify(nodeInfo(node)) } : {},
  });
}

interface Problem {
  readonly reason: string;
  readonly message: string;
}

async function runtimeProblem(node: Node): Promise<Problem | undefined> {
  if (node.signal.aborted) return { reason: "ShuttingDown", message: "The node process is ending" };
  const missing = Object.entries(node.config.profiles).find(([, { provider }]) =>
    !node.providers.has(provider)
  );
  if (missing) {
    const [profile, { provider }] = missing;
    return {
      reason: "ProviderMissing",
      message: `Provider '${provider}' of profile '${profile}' is not running`,
    };
  }
  return await stateProblem(node.config.stateDir);
}

/** Facts are written before acts: on a full disk nothing can be done. */
async function stateProblem(stateDir: string): Promise<Problem | undefined> {
  try {
    const { bavail, bsize } = await statfs(stateDir);
    if (bavail * bsize >= STATE_FREE_MIN_BYTES) return undefined;
    return {
      reason: "StateDiskFull",
      message: `${bavail * bsize} bytes are left for '${stateDir}': free some`,
    };
  } catch (error) {
    const message = `State directory '${stateDir}' cannot be looked at: ${(error as Error).message}`;
    return { reason: "StateDirectoryMissing", message };
  }
}

/** Pods get their addresses from their VMs' provider: without the default one no pod has a network. */
function networkProblem(node: Node): Problem | undefined {
  const provider = node.config.profiles[node.config.defaultProfile]?.provider ?? "";
  if (node.providers.has(provider)) return undefined;
  return {
    reason: "ProviderMissing",
    message: `Provider '${provider}' of the default profile is not running`,
  };
}

function condition(type: string, problem: Problem | undefined): RuntimeCondition {
  return create(RuntimeConditionSchema, { type, status: problem === undefined, ...problem });
}

/** For people. Holds no secret: of providers only their names. */
function nodeInfo(node: Node) {
  const { config, model, containers, store } = node;
  const states = (entries: Iterable<{ readonly state: { readonly kind: string } }>) => {
    const counts: Record<string, number> = {};
    for (const { state } of entries) counts[state.kind] = (counts[state.kind] ?? 0) + 1;
    return counts;
  };
  return {
    version: VERSION,
    cluster: config.cluster,
    node: config.node,
    stateDir: config.stateDir,
    profiles: config.profiles,
    defaultProfile: config.defaultProfile,
    providers: [...node.providers.keys()],
    podCidr: store.settings.get(POD_CIDR) ?? "",
    sandboxes: states(model.sandboxes()),
    containers: states(model.containers()),
    logs: { followed: containers.logs.size, failedWrites: containers.logs.failedWrites },
    tasks: node.tasks.size,
  };
}
