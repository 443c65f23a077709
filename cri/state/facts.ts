// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The rows of the node's fact file. A row says what was intended, before it is done, and then what came of it. States
 * are never stored: `sandbox_state.ts` and `container_state.ts` compute them from these facts.
 *
 * Times that CRI shows are nanoseconds (bigint); times of our own are milliseconds (number). A fact that is not (yet)
 * true is null.
 * @module
 */

/** How long each phase of a start took, in milliseconds, in the order in which they happened. */
export type Phases = Readonly<Record<string, number>>;

export interface SandboxFacts {
  /** 64 hex digits, ours. */
  readonly id: string;
  /** The kubelet's key. Unique while the row exists. */
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  /** `cri` for the kubelet's, `client` for `infranetes pod run`: those are in no CRI list. */
  readonly origin: "cri" | "client";
  readonly runtimeHandler: string;
  readonly profile: string;
  /** runtime.v1.PodSandboxConfig as it came, and its SHA-256: the same key with another config is refused. */
  readonly config: Uint8Array;
  readonly configDigest: string;
  /** The VM that this sandbox is. Recorded with the intent, before any provider call. */
  readonly vmId: string;
  /** When RunPodSandbox reserved the key; CRI's created_at. */
  readonly createdAtNs: bigint;
  readonly configuredAt: number | null;
  /** Of the VM's kernel when it was configured: another one later means that the VM was started again. */
  readonly bootId: string | null;
  readonly readyAt: number | null;
  readonly addresses: readonly string[];
  readonly phases: Phases;
  /** For a person: what was accepted and is not done. */
  readonly warnings: readonly string[];
  /** Stop was asked for: the VM is on its way out. */
  readonly stopIntentAt: number | null;
  /** The VM is confirmed gone. */
  readonly stoppedAt: number | null;
  /** Why the VM was lost, if it was not stopped by a call. Recorded before it is fenced. */
  readonly lostReason: string | null;
  readonly removeIntentAt: number | null;
}

export interface VmFacts {
  readonly vmId: string;
  readonly provider: string;
  readonly sandboxId: string;
  /** Idempotency token of the create call. Recorded before it. */
  readonly createToken: string;
  readonly createIntentAt: number;
  readonly instanceId: string | null;
  readonly addresses: readonly string[];
  /** base64url. Null once the VM's first authenticated session killed it, or where the link needs none. */
  readonly joinToken: string | null;
  /** SHA-256 (hex) of the public key that proved the token first: no other key is served from then on. */
  readonly boundKey: string | null;
  readonly firstSessionAt: number | null;
  /** Greatest session epoch seen. */
  readonly epoch: number;
  readonly bootId: string | null;
  readonly deleteIntentAt: number | null;
  readonly deletedAt: number | null;
}

export interface ContainerFactsRow {
  /** 64 hex digits, ours. */
  readonly id: string;
  readonly sandboxId: string;
  /** Unique with the attempt in the sandbox. */
  readonly name: string;
  readonly attempt: number;
  /** runtime.v1.ContainerConfig as it came. */
  readonly config: Uint8Array;
  readonly configDigest: string;
  readonly imageId: string;
  readonly createdAtNs: bigint;
  /** The agent has it. Before that the container is in no list. */
  readonly createdOnAgentAt: number | null;
  readonly startIntentAt: number | null;
  /** infranetes.agent.v1.ContainerState, the last that was folded and matters after the VM is gone; null before Start. */
  readonly lastState: Uint8Array | null;
  readonly stopIntentAt: number | null;
  readonly removeIntentAt: number | null;
  /** Log stream offset at which the current log file begins, and that file's identity; null while it has no file. */
  readonly logBase: number;
  readonly logDevice: number | null;
  readonly logInode: number | null;
  readonly warnings: readonly string[];
}

/** Single values: `pod_cidr`, `schema_version`, `node_id` … */
export interface Settings {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

/**
 * One table of rows with a primary key. Each mutating call is one committed fact: it is durable against the death of
 * the process when the call returns, and the crash-point hook runs after it.
 *
 * @throws {UnavailableError} from every mutating call when the file cannot be written (disk full): nothing was recorded
 */
export interface FactTable<Row, Key extends keyof Row> {
  get(key: Row[Key]): Row | undefined;
  all(): Row[];
  insert(row: Row, fact: string): void;
  /** @throws {NotFoundError} if there is no such row */
  update(key: Row[Key], patch: Partial<Omit<Row, Key>>, fact: string): Row;
  delete(key: Row[Key], fact: string): void;
}

export interface FactStore extends Disposable {
  readonly sandboxes: FactTable<SandboxFacts, "id">;
  readonly vms: FactTable<VmFacts, "vmId">;
  readonly containers: FactTable<ContainerFactsRow, "id">;
  readonly settings: Settings;
  /**
   * Several changes as one fact: all or none, one commit, one crash point. `durable` waits until the disk has it, so
   * that it outlives the machine's death too and not only the process's.
   */
  transaction<T>(fact: string, change: () => T, options?: { readonly durable?: boolean }): T;
  /** Told of each changed row after its commit, in order. `row` is undefined when it was deleted. */
  onchange: ((change: FactChange) => void) | null;
}

export type FactChange =
  | { readonly table: "sandboxes"; readonly key: string; readonly row: SandboxFacts | undefined }
  | { readonly table: "vms"; readonly key: string; readonly row: VmFacts | undefined }
  | { readonly table: "containers"; readonly key: string; readonly row: ContainerFactsRow | undefined };
