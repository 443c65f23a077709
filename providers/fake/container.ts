// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { create, fromBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../lib/clock.ts";
import { FailedPreconditionError, InvalidArgumentError } from "../../lib/errors.ts";
import type { ContainerState, ContainerUsageSchema } from "../../protocol/gen/agent_pb.ts";
import { ContainerPhase, ContainerStateSchema } from "../../protocol/gen/agent_pb.ts";
import { ContainerConfigSchema } from "../../protocol/gen/cri_pb.ts";
import { FakeLog, logRecord } from "./log.ts";
import type { StreamName } from "./log.ts";
import { parseProgram, runProgram } from "./program.ts";

const MIB = 1024n * 1024n;

export interface FakeContainerOptions {
  readonly id: string;
  /** runtime.v1.ContainerConfig as it came. */
  readonly config: Uint8Array;
  readonly clock: Clock;
  readonly spoolBytes: number;
  /** Told of each change; answers the change's sequence number. */
  readonly onchange: (container: FakeContainer) => bigint;
}

/**
 * A container that is a state machine in memory.
 *
 *     created ──start──▶ running ──program ends, stop, exit(code)──▶ exited
 */
export class FakeContainer {
  readonly id: string;
  readonly config: Uint8Array;
  readonly log: FakeLog;
  readonly #options: FakeContainerOptions;
  readonly #program: readonly (readonly string[])[] | undefined;
  readonly #killed = new AbortController();
  #state: ContainerState;

  constructor(options: FakeContainerOptions) {
    const { id, config, clock, spoolBytes } = options;
    this.id = id;
    this.config = config;
    this.log = new FakeLog(spoolBytes);
    this.#options = options;
    this.#program = parseConfig(config);
    this.#state = create(ContainerStateSchema, {
      id,
      phase: ContainerPhase.CREATED,
      createdAt: clock.nowNs(),
    });
    this.#changed();
  }

  /** As the agent tells it. A new object after each change. */
  get state(): ContainerState {
    return this.#state;
  }

  get running(): boolean {
    return this.#state.phase === ContainerPhase.RUNNING;
  }

  /** Aborts when the container's process has ended. */
  get ended(): AbortSignal {
    return this.#killed.signal;
  }

  start(): ContainerState {
    if (this.running) return this.#state;
    if (this.#state.phase !== ContainerPhase.CREATED) {
      throw new FailedPreconditionError(`Cannot start container ${this.id}: it has exited`);
    }
    this.#change({ phase: ContainerPhase.RUNNING, startedAt: this.#options.clock.nowNs(), pid: 1 });
    if (this.#program) void this.#run(this.#program);
    return this.#state;
  }

  /** Ends a running container. 143 is what SIGTERM makes of a program without a handler. */
  exit(exitCode: number, message = ""): ContainerState {
    if (!this.running) return this.#state;
    this.log.complete();
    this.#change({
      phase: ContainerPhase.EXITED,
      finishedAt: this.#options.clock.nowNs(),
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      message,
      pid: 0,
    });
    this.#killed.abort(new FailedPreconditionError(`Container ${this.id} has exited`));
    return this.#state;
  }

  /** Gives the state as it is a new sequence number. */
  renumber(): void {
    this.#change({});
  }

  writeLine(stream: StreamName, line: string): void {
    this.log.append(logRecord(this.#options.clock.nowNs(), stream, line));
  }

  /** Plausible figures that depend on nothing but how long it runs. */
  usage(): MessageInitShape<typeof ContainerUsageSchema> {
    const time = this.#options.clock.nowNs();
    const ran = this.running ? time - this.#state.startedAt : 0n;
    return {
      id: this.id,
      time,
      cpuNanoseconds: ran / 100n,
      memoryWorkingSetBytes: 4n * MIB,
      memoryRssBytes: 3n * MIB,
      processes: 1,
      writableBytes: BigInt(this.log.end),
      writableInodes: 1n,
    };
  }

  async #run(program: readonly (readonly string[])[]): Promise<void> {
    const decoder = new TextDecoder();
    const write = (stream: StreamName, bytes: Uint8Array) =>
      this.writeLine(stream, decoder.decode(bytes).replace(/\n$/, ""));
    const io = { clock: this.#options.clock, signal: this.#killed.signal, stdin: undefined, write };
    try {
      this.exit(await runProgram(program, io));
    } catch (error) {
      // Only a program that was killed throws; whoever killed it has recorded the exit.
      if (!this.#killed.signal.aborted) this.exit(255, String(error));
    }
  }

  #change(patch: Partial<MessageInitShape<typeof ContainerStateSchema>>): void {
    const { $typeName: _, ...before } = this.#state;
    this.#state = create(ContainerStateSchema, { ...before, ...patch });
    this.#changed();
  }

  #changed(): void {
    this.#state.logEnd = BigInt(this.log.end);
    this.#state.logRecordsDropped = BigInt(this.log.dropped);
    this.#state.sequence = this.#options.onchange(this);
  }
}

/** What the container runs, undefined for "until it is stopped". */
function parseConfig(config: Uint8Array) {
  try {
    const { command, args } = fromBinary(ContainerConfigSchema, config);
    return parseProgram([...command, ...args]);
  } catch (cause) {
    throw new InvalidArgumentError("Cannot read the container's configuration: it is no ContainerConfig", {
      cause,
    });
  }
}
