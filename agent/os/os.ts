// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What a container's processes use, summed up. */
export interface ProcessUsage {
  readonly cpuNanoseconds: bigint;
  readonly residentBytes: number;
  /** The part of it that is not backed by files. */
  readonly anonymousBytes: number;
  readonly processes: number;
}

/** The processes of one container, however they hide. At least one of the two must be given. */
export interface ProcessSet {
  /** The container's own process: leader of a session and of a process group. */
  readonly leader?: number;
  /** `NAME=value` as it stands in the environment that the container's processes inherit. */
  readonly marker?: string;
}

/**
 * Whatever depends on the operating system. Nothing else of the agent asks which system it is on: a new system is a new
 * implementation of this, chosen in `mod.ts`.
 */
export interface Os {
  /** As in HelloRequest: `linux`, `windows`. */
  readonly name: string;
  /** Search path for commands of containers that set none. */
  readonly defaultPath: string;
  /** User and group that the agent, and so each container of engine `exec`, runs as. Undefined where there are no numbers. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** With which this system asks a process to end. */
  readonly endSignals: readonly Deno.Signal[];

  /** Changes with each boot of the kernel, and only then. */
  bootId(): Promise<string>;
  /** Milliseconds since this process was made, the loading of its program included. To about 10 ms. */
  age(): number;
  /** Identifies a process beside its number, which is used again. Undefined if there is no such process (any more). */
  startToken(pid: number): string | undefined;
  /** Number of a signal by its name (`SIGTERM`, `SIGRTMIN+3`). Undefined if this system has none of that name. */
  signalNumber(name: string): number | undefined;
  /** Sends a signal to one process. False if there is no such process (any more). */
  signal(pid: number, signal: number): Promise<boolean>;
  /** Kills the process group of a leader at once. False if nobody is left in it. */
  killGroup(leader: number): boolean;
  /**
   * Kills all processes of the set, those that left group and session included, and waits until they are gone.
   * Answers how many it found. Never kills the calling process.
   *
   * @throws {TimeoutError} if some are still there after 5 s (sleeping in the kernel)
   */
  killAll(set: ProcessSet, signal?: AbortSignal): Promise<number>;
  /** Usage of a process and its descendants. Undefined if it is gone. */
  usage(pid: number): Promise<ProcessUsage | undefined>;
  /** Ends the machine. Resolves when the system took the order; the process ends with the machine. */
  powerOff(): Promise<void>;
}
