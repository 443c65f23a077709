// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { SingleFlight } from "../lib/single_flight.ts";
import { Tasks } from "../lib/tasks.ts";
import type { ContainerState } from "../protocol/gen/agent_pb.ts";
import type { PodProvider } from "../providers/provider.ts";
import type { Agents } from "./agent_link.ts";
import type { NodeConfig } from "./config/schema.ts";
import { type ContainerParts, createContainerParts, followContainers } from "./container_parts.ts";
import { SandboxStarts } from "./sandbox_starts.ts";
import type { ContainerEntry } from "./state/container_entry.ts";
import type { FactStore } from "./state/facts.ts";
import { Model } from "./state/model.ts";
import { VmDeletions } from "./vm_delete.ts";
import { Folds } from "./watch/fold.ts";
import { LocalLinks } from "./watch/local_links.ts";
import { Watches } from "./watch/watches.ts";

const logger = getLogger(["infranetes", "node"]);

/**
 * Runs after an agent told that a container has exited and before anybody else hears of it: drains its log, writes its
 * termination message. Bounded by `signal`; what it throws is logged and does not hold up the exit.
 */
export type ExitHook = (
  container: ContainerEntry,
  state: ContainerState,
  signal: AbortSignal,
) => Promise<void>;

/** What the node process is made of. */
export interface NodeParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly config: NodeConfig;
  readonly store: FactStore;
  readonly agents: Agents;
  /** By the names that the configuration gives them. */
  readonly providers: ReadonlyMap<string, PodProvider>;
  /** Aborts when the process shuts down: what is under way stops where it is and recovery goes on with it. */
  readonly signal: AbortSignal;
  /** The text that tells a VM how to call home. `joinToken` is null where the link needs none. */
  userData(vm: { readonly vmId: string; readonly joinToken: string | null }): string;
}

/** Everything that an RPC's function may use. */
export interface Node extends NodeParts {
  readonly model: Model;
  /** Owns all background work. The end of the process waits for it. */
  readonly tasks: Tasks;
  readonly exitHooks: Set<ExitHook>;
  /** Starts of sandboxes under way. */
  readonly starts: SandboxStarts;
  /** Deletions of VMs under way. */
  readonly deletions: VmDeletions;
  /** Sandboxes that are being stopped, removed, taken back or declared lost, by id. */
  readonly stops: SingleFlight<void>;
  readonly removals: SingleFlight<void>;
  readonly discards: SingleFlight<void>;
  readonly losses: SingleFlight<void>;
  /** Running sandboxes whose VM is not linked, by id, while it is waited for. */
  readonly returns: SingleFlight<void>;
  readonly folds: Folds;
  readonly watches: Watches;
  readonly localLinks: LocalLinks;
  /** Logs, images, locks. */
  readonly containers: ContainerParts;
}

/** Puts the parts together and reads the facts. Nothing runs yet: see `recovery.ts`. */
export function createNode(parts: NodeParts): Node {
  const tasks = new Tasks((task, error) => {
    // Shutting down ends tasks by abort: that is how they are meant to end.
    if (!parts.signal.aborted) logger.error("Background task {task} failed", { task, error });
  });
  const node: Node = {
    ...parts,
    userData: (vm) => parts.userData(vm),
    model: new Model(parts.store),
    tasks,
    exitHooks: new Set(),
    starts: new SandboxStarts(() => node),
    deletions: new VmDeletions(() => node),
    stops: new SingleFlight(),
    removals: new SingleFlight(),
    discards: new SingleFlight(),
    losses: new SingleFlight(),
    returns: new SingleFlight(),
    folds: new Folds(() => node),
    watches: new Watches(() => node),
    localLinks: new LocalLinks(() => node),
    containers: createContainerParts(parts),
  };
  followContainers(node);
  parts.agents.onlink = (link) => node.watches.onlink(link);
  return node;
}
