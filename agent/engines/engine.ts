// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The contract between the agent and whatever runs containers in its VM. An engine knows nothing of the link, of CRI's
 * calls or of the node: it gets a decoded configuration and answers with facts. Containers outlive the agent: each has a
 * monitor of its own that owns stdio, exit code and start time, and {@linkcode Engine.recover} finds it again.
 * @module
 */
import type { ContainerConfig, PodSandboxConfig } from "../../protocol/gen/cri_pb.ts";
import type { MountSource } from "../../protocol/gen/agent_pb.ts";
import type { LogSource } from "../spool/log_source.ts";

export interface SandboxSpec {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly addresses: readonly string[];
}

export interface MountSpec {
  readonly containerPath: string;
  readonly source: MountSource;
  readonly readOnly: boolean;
}

export interface ContainerSpec {
  readonly id: string;
  readonly sandbox: SandboxSpec;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly mounts: readonly MountSpec[];
  /** The container's own directory in the agent's state. Exists; the engine may keep files in it. */
  readonly directory: string;
}

/** What is known of a container's process. Facts only: its phase is computed from them. */
export interface ContainerFacts {
  readonly startedAtNs?: bigint;
  readonly pid?: number;
  readonly exit?: ExitFacts;
}

export interface ExitFacts {
  readonly finishedAtNs: bigint;
  /** 0–255; 128 + signal number for a process that a signal ended. */
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`. */
  readonly reason: string;
  readonly message: string;
  /** At most 4,096 bytes. */
  readonly terminationMessage: Uint8Array;
  readonly logRecordsDropped: number;
}

export interface ContainerUsage {
  readonly cpuNanoseconds: bigint;
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number;
  readonly processes: number;
  readonly writableBytes: number;
  readonly writableInodes: number;
}

export interface ExecSpec {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** A process beside the container's own. Disposing of it kills its whole process group. */
export interface ExecProcess extends AsyncDisposable {
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Exit code, 128 + signal number after a signal. */
  readonly exitCode: Promise<number>;
  resize(width: number, height: number): void;
  /** Kills the whole process group with SIGKILL. */
  kill(): void;
}

/** One container that an engine runs. Its log outlives its process until {@linkcode Engine.remove}. */
export interface EngineContainer {
  readonly id: string;
  readonly log: LogSource;
  facts(): ContainerFacts;
  /** Called after each change of {@linkcode facts}. Set by the agent once. */
  onchange: (() => void) | null;
  /** Resolves when the process runs. A process that cannot be started becomes an exit with `StartError` and code 128, and throws. */
  start(signal: AbortSignal): Promise<void>;
  /** The stop signal of the configuration, then SIGKILL after the grace time. Resolves when dead and its log complete. */
  stop(graceMs: number, signal: AbortSignal): Promise<void>;
  exec(spec: ExecSpec, signal: AbortSignal): Promise<ExecProcess>;
  usage(): Promise<ContainerUsage | undefined>;
}

export interface Engine {
  readonly name: string;
  /**
   * Prepares a container. Refuses whatever it cannot do (UnsupportedError, InvalidArgumentError naming the field).
   * Answers warnings for a person: what was accepted but is not presented.
   */
  create(
    spec: ContainerSpec,
    signal: AbortSignal,
  ): Promise<{ container: EngineContainer; warnings: readonly string[] }>;
  /** After a restart of the agent: the container as its monitor knows it now. */
  recover(spec: ContainerSpec, signal: AbortSignal): Promise<EngineContainer>;
  /** Kills if need be and leaves nothing but the directory, which the agent deletes. */
  remove(container: EngineContainer, signal: AbortSignal): Promise<void>;
}
