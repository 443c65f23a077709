// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { create, toBinary } from "@bufbuild/protobuf";
import { InvalidArgumentError, NotFoundError } from "../../../lib/errors.ts";
import { ContainerPhase, ContainerStateSchema } from "../../../protocol/gen/agent_pb.ts";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  type PodSandboxConfig,
} from "../../../protocol/gen/cri_pb.ts";
import { openFactStore } from "../../state/store.ts";
import { configDigest } from "../../state/config_digest.ts";
import { PodSandboxConfigSchema } from "../../../protocol/gen/cri_pb.ts";
import { Model } from "../../state/model.ts";
import type { PodCalls } from "../calls.ts";
import type { ManualClock } from "./manual_clock.ts";

/** What StartContainer does. */
export type OnStart = "run" | "start error" | "unavailable";

/**
 * The node as stand-alone pods see it: real facts and a real model, and calls that do at once what the test wants of
 * them. Every call is written down.
 */
export class FakeNode implements PodCalls, Disposable {
  readonly store;
  readonly model: Model;
  readonly calls: string[] = [];
  onStart: OnStart = "run";
  createError: Error | undefined;
  runError: Error | undefined;
  readonly #clock: ManualClock;
  #ids = 0;

  constructor(directory: string, clock: ManualClock) {
    this.store = openFactStore(`${directory}/facts.sqlite`);
    this.model = new Model(this.store);
    this.#clock = clock;
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
  }

  runSandbox(
    config: PodSandboxConfig,
    _handler: string,
    onphase: (phase: string, ms: number) => void,
  ): Promise<string> {
    this.calls.push("run");
    onphase("create", 1);
    if (this.runError) return Promise.reject(this.runError);
    const id = `s${++this.#ids}`;
    const now = this.#clock.now();
    const { name, namespace, uid, attempt } = config.metadata!;
    this.store.transaction("sandbox", () => {
      this.store.sandboxes.insert({
        ...{ id, name, namespace, uid, attempt, origin: "client", runtimeHandler: "", profile: "p" },
        config: toBinary(PodSandboxConfigSchema, config),
        configDigest: configDigest(PodSandboxConfigSchema, config),
        ...{
          vmId: `vm-${id}`,
          createdAtNs: this.#clock.nowNs(),
          warnings: [],
          configuredAt: now,
          bootId: "b",
        },
        ...{
          readyAt: now,
          addresses: ["127.64.0.1"],
          phases: { create: 1 },
          stopIntentAt: null,
          stoppedAt: null,
        },
        ...{ lostReason: null, removeIntentAt: null },
      }, "sandbox");
      this.store.vms.insert({
        ...{ vmId: `vm-${id}`, provider: "fake", sandboxId: id, createToken: id, createIntentAt: now },
        ...{ instanceId: "i", addresses: [], joinToken: null, boundKey: null, firstSessionAt: now, epoch: 1 },
        ...{ bootId: "b", deleteIntentAt: null, deletedAt: null },
      }, "vm");
    });
    return Promise.resolve(id);
  }

  stopSandbox(id: string): Promise<void> {
    this.calls.push(`stop sandbox ${id}`);
    const patch = { stopIntentAt: this.#clock.now(), stoppedAt: this.#clock.now() };
    this.store.sandboxes.update(id, patch, "stopped");
    return Promise.resolve();
  }

  removeSandbox(id: string): Promise<void> {
    this.calls.push(`remove sandbox ${id}`);
    this.store.transaction("removed", () => {
      for (const container of [...this.model.containersOf(id)]) {
        this.store.containers.delete(container.id, "removed");
      }
      this.store.vms.delete(`vm-${id}`, "removed");
      this.store.sandboxes.delete(id, "removed");
    });
    return Promise.resolve();
  }

  createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const { name, attempt } = config.metadata!;
    this.calls.push(`create ${name} ${attempt}`);
    if (this.createError) return Promise.reject(this.createError);
    const id = `${name}-${attempt}`;
    this.store.containers.insert({
      ...{ id, sandboxId, name, attempt, config: toBinary(ContainerConfigSchema, config), configDigest: id },
      ...{ imageId: "sha256:1", createdAtNs: this.#clock.nowNs(), createdOnAgentAt: this.#clock.now() },
      ...{ startIntentAt: null, lastState: null, stopIntentAt: null, removeIntentAt: null },
      ...{ logBase: 0, logDevice: null, logInode: null, warnings: [] },
    }, "container");
    return Promise.resolve(id);
  }

  startContainer(id: string): Promise<void> {
    this.calls.push(`start ${id}`);
    if (this.onStart === "unavailable") return Promise.reject(new Error("Agent is away"));
    if (this.onStart === "run") {
      this.#tell(id, { phase: ContainerPhase.RUNNING, startedAt: this.#clock.nowNs(), pid: 7 });
      return Promise.resolve();
    }
    this.end(id, 128, "StartError");
    return Promise.reject(new InvalidArgumentError("No such program: nope"));
  }

  stopContainer(id: string, graceSeconds: number): Promise<void> {
    this.calls.push(`stop ${id} ${graceSeconds}`);
    this.store.containers.update(id, { stopIntentAt: this.#clock.now() }, "stop intent");
    this.end(id, 143, "Error");
    return Promise.resolve();
  }

  removeContainer(id: string): Promise<void> {
    this.calls.push(`remove ${id}`);
    this.store.containers.delete(id, "removed");
    return Promise.resolve();
  }

  resolveImage(image: string): Promise<string> {
    return image === "nothing"
      ? Promise.reject(new NotFoundError(`No image ${image}`))
      : Promise.resolve("sha256:1");
  }

  linked(): Promise<void> {
    return Promise.resolve();
  }

  /** A container's process ends by itself. */
  end(id: string, exitCode: number, reason = exitCode === 0 ? "Completed" : "Error"): void {
    const startedAt = this.model.container(id)?.agentState?.startedAt ?? 0n;
    this.#tell(id, {
      phase: ContainerPhase.EXITED,
      startedAt,
      finishedAt: this.#clock.nowNs(),
      exitCode,
      reason,
    });
  }

  #tell(id: string, state: Parameters<typeof create<typeof ContainerStateSchema>>[1]): void {
    const told = create(ContainerStateSchema, { id, ...state as object });
    this.store.containers.update(id, { lastState: toBinary(ContainerStateSchema, told) }, "state");
    this.model.setAgentState(this.model.container(id)!, told);
  }
}
