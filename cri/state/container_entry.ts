// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  ContainerMetadataSchema,
  ContainerSchema,
  type ContainerState as CriState,
  ImageSpecSchema,
} from "../../protocol/gen/cri_pb.ts";
import {
  type ContainerState as AgentState,
  ContainerStateSchema,
  type ContainerUsage,
} from "../../protocol/gen/agent_pb.ts";
import { type ContainerState, containerState, criContainerState } from "./container_state.ts";
import type { ContainerFactsRow } from "./facts.ts";
import { listItem } from "./list_item.ts";
import type { SandboxEntry } from "./sandbox_entry.ts";

/** A container in memory. One object as long as its row exists. */
export class ContainerEntry {
  readonly id: string;
  readonly sandbox: SandboxEntry;
  #facts: ContainerFactsRow;
  #agentState: AgentState | undefined;
  #state: ContainerState;
  #config: ContainerConfig | undefined;
  #listItem: Uint8Array | undefined;
  /** From the last heartbeat that told of it. */
  usage: ContainerUsage | undefined;

  constructor(facts: ContainerFactsRow, sandbox: SandboxEntry) {
    this.id = facts.id;
    this.sandbox = sandbox;
    this.#facts = facts;
    this.#agentState = facts.lastState ? fromBinary(ContainerStateSchema, facts.lastState) : undefined;
    this.#state = containerState(facts, this.#agentState);
  }

  get facts(): ContainerFactsRow {
    return this.#facts;
  }

  set facts(facts: ContainerFactsRow) {
    this.#facts = facts;
    this.#update();
  }

  /** The last state folded from its agent, or from the facts after a restart. */
  get agentState(): AgentState | undefined {
    return this.#agentState;
  }

  set agentState(state: AgentState | undefined) {
    this.#agentState = state;
    this.#update();
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** Decoded on first use. */
  get config(): ContainerConfig {
    return this.#config ??= fromBinary(ContainerConfigSchema, this.#facts.config);
  }

  /** Whether ListContainers shows it. */
  get listed(): boolean {
    return this.#state.kind !== "creating" && this.sandbox.facts.origin === "cri";
  }

  get criState(): CriState {
    return criContainerState(this.#state);
  }

  /** `runtime.v1.Container`, encoded once, as an element of ListContainersResponse. */
  get listItem(): Uint8Array {
    return this.#listItem ??= listItem(toBinary(ContainerSchema, this.#message()));
  }

  #update(): void {
    this.#state = containerState(this.#facts, this.#agentState);
    this.#listItem = undefined;
  }

  #message() {
    const { id, sandboxId, name, attempt, imageId, createdAtNs } = this.#facts;
    const asked = this.config.image;
    return create(ContainerSchema, {
      id,
      podSandboxId: sandboxId,
      metadata: create(ContainerMetadataSchema, { name, attempt }),
      image: create(ImageSpecSchema, {
        image: asked?.userSpecifiedImage || asked?.image || imageId,
        userSpecifiedImage: asked?.userSpecifiedImage ?? "",
        annotations: asked?.annotations ?? {},
      }),
      imageRef: imageId,
      imageId,
      state: this.criState,
      createdAt: createdAtNs,
      labels: this.config.labels,
      annotations: this.config.annotations,
    });
  }
}
