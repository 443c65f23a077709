// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { KeyedLock } from "../lib/keyed_lock.ts";
import { writeExit } from "./container_exit.ts";
import { ReservedImages } from "./images/reserved.ts";
import { LogFollowers } from "./logs/log_followers.ts";
import type { Node, NodeParts } from "./node.ts";
import { ContainerEntry } from "./state/container_entry.ts";
import type { ModelChange } from "./state/model.ts";

/** What the calls about containers and images share. */
export interface ContainerParts {
  readonly logs: LogFollowers;
  readonly images: ReservedImages;
  /** One change at a time for each container, by id, and for each name while it has no id. */
  readonly locks: KeyedLock;
}

export function createContainerParts({ clock, agents, store }: NodeParts): ContainerParts {
  return {
    logs: new LogFollowers({ clock, agents, store }),
    images: new ReservedImages(store.settings),
    locks: new KeyedLock(),
  };
}

/** Ties logs to what happens to containers: drained before an exit is told, closed when container or VM are gone. */
export function followContainers(node: Node): void {
  const { logs } = node.containers;
  node.exitHooks.add((entry, state, signal) => writeExit(node, entry, state, signal));
  node.model.subscribe((change) => {
    for (const entry of endedBy(node, change)) {
      if (logs.follows(entry.id)) {
        node.tasks.start(`end of the log of container ${entry.id}`, () => logs.stop(entry.id));
      }
    }
  });
  const close = () => node.tasks.start("closing of the logs", () => logs[Symbol.asyncDispose]());
  node.signal.addEventListener("abort", close, { once: true });
}

/** Containers from which nothing more will come. */
function endedBy(node: Node, { kind, entry }: ModelChange): Iterable<ContainerEntry> {
  if (entry instanceof ContainerEntry) return kind === "removed" ? [entry] : [];
  return entry.facts.stoppedAt === null ? [] : node.model.containersOf(entry.id);
}
