// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type PodSandboxConfig,
  PodSandboxConfigSchema,
  PodSandboxMetadataSchema,
  PodSandboxSchema,
  PodSandboxState,
} from "../../protocol/gen/cri_pb.ts";
import type { SandboxFacts, VmFacts } from "./facts.ts";
import { listItem } from "./list_item.ts";
import { isReady, type SandboxState, sandboxState, wasReady } from "./sandbox_state.ts";

/** A sandbox in memory. One object as long as its row exists; its facts are replaced as they change. */
export class SandboxEntry {
  readonly id: string;
  #facts: SandboxFacts;
  #state: SandboxState;
  #config: PodSandboxConfig | undefined;
  #listItem: Uint8Array | undefined;
  /** Undefined only while rows are being deleted. */
  vm: VmFacts | undefined;
  /** When its agent was heard last, in milliseconds since the epoch; null since the start of this process. */
  heardAt: number | null = null;

  constructor(facts: SandboxFacts, vm: VmFacts | undefined) {
    this.id = facts.id;
    this.#facts = facts;
    this.#state = sandboxState(facts);
    this.vm = vm;
  }

  get facts(): SandboxFacts {
    return this.#facts;
  }

  set facts(facts: SandboxFacts) {
    this.#facts = facts;
    this.#state = sandboxState(facts);
    this.#listItem = undefined;
  }

  get state(): SandboxState {
    return this.#state;
  }

  /** Decoded on first use. */
  get config(): PodSandboxConfig {
    return this.#config ??= fromBinary(PodSandboxConfigSchema, this.#facts.config);
  }

  /** Whether ListPodSandbox shows it. */
  get listed(): boolean {
    return this.#facts.origin === "cri" && wasReady(this.#state);
  }

  get criState(): PodSandboxState {
    return isReady(this.#state) ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
  }

  /** `runtime.v1.PodSandbox`, encoded once, as an element of ListPodSandboxResponse. */
  get listItem(): Uint8Array {
    return this.#listItem ??= listItem(toBinary(PodSandboxSchema, this.#message()));
  }

  #message() {
    const { name, namespace, uid, attempt, createdAtNs, runtimeHandler } = this.#facts;
    return create(PodSandboxSchema, {
      id: this.id,
      metadata: create(PodSandboxMetadataSchema, { name, namespace, uid, attempt }),
      state: this.criState,
      createdAt: createdAtNs,
      labels: this.config.labels,
      annotations: this.config.annotations,
      runtimeHandler,
    });
  }
}
