// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { untilAborted } from "../../lib/deadline.ts";
import { FailedPreconditionError, UnavailableError } from "../../lib/errors.ts";
import type { Agents } from "../agent_link.ts";
import type { ContainerEntry } from "../state/container_entry.ts";
import type { FactStore } from "../state/facts.ts";
import { DiscardingLog } from "./discarding_log.ts";
import { type LogFiles, systemLogFiles } from "./log_files.ts";
import { LogFollower } from "./log_follower.ts";
import { logPath } from "./log_path.ts";
import { findLogPlace } from "./log_place.ts";
import { type LogSink, LogWriter } from "./log_writer.ts";

const logger = getLogger(["infranetes", "logs"]);

/** Between two attempts to open a log that a restarted node has to go on with. */
const RESUME_RETRY_MS = 5000;

export interface LogFollowersOptions {
  readonly clock: Clock;
  readonly agents: Pick<Agents, "waitFor">;
  readonly store: Pick<FactStore, "containers">;
  /** @default the machine's */
  readonly files?: LogFiles;
}

export interface DrainOptions {
  /** Gives up when nothing came for so long. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
}

/** What is known of a container's log here: being opened, or followed. */
interface Followed {
  readonly stop: AbortController;
  readonly opening: Promise<LogFollower | undefined>;
}

/** The logs of all containers, each followed from its agent to its file. */
export class LogFollowers implements AsyncDisposable {
  readonly #options: LogFollowersOptions;
  readonly #files: LogFiles;
  readonly #followed = new Map<string, Followed>();
  #failedWrites = 0;

  constructor(options: LogFollowersOptions) {
    this.#options = options;
    this.#files = options.files ?? systemLogFiles;
  }

  /** Writes to log files that failed since the start of the process, most of them because a disk is full. */
  get failedWrites(): number {
    return this.#failedWrites;
  }

  get size(): number {
    return this.#followed.size;
  }

  /** Whether something is done for this log: its file may be open. */
  follows(id: string): boolean {
    return this.#followed.has(id);
  }

  /**
   * Makes the container's log file, if it has none yet, records it and follows the log. To be called before the
   * container starts: the kubelet expects the file from then on. A log that is followed already is no error.
   */
  async start(entry: ContainerEntry): Promise<void> {
    const followed = this.#followed.get(entry.id) ?? this.#begin(entry, () => this.#open(entry));
    try {
      await followed.opening;
    } catch (error) {
      if (this.#followed.get(entry.id) === followed) this.#followed.delete(entry.id);
      throw error;
    }
  }

  /**
   * After a restart of the node: goes on with the log of a container that was started. Does not wait; a file that cannot
   * be opened is tried again. Makes no file anew for a container that has ended.
   */
  resume(entry: ContainerEntry): void {
    if (entry.facts.startIntentAt === null || this.#followed.has(entry.id)) return;
    const followed = this.#begin(entry, (signal) => this.#openAgain(entry, signal));
    followed.opening.catch(() => {}); // Only when stopped.
  }

  /**
   * For ReopenContainerLog: goes on in a new file at the log's path.
   * @throws {UnavailableError} if it cannot, having made no file
   */
  async reopen(id: string, signal: AbortSignal): Promise<void> {
    const follower = await this.#opened(id, signal);
    if (!follower) {
      throw new FailedPreconditionError(`Log of container ${id} is not written now: it cannot be reopened`);
    }
    await follower.sink.reopen(signal);
  }

  /**
   * Resolves when everything before `logEnd` is in the file.
   * @throws {TimeoutError} if nothing came for `stallMs`; it may still come later
   */
  async drain(id: string, logEnd: number, options: DrainOptions): Promise<void> {
    const follower = await this.#opened(id, options.signal);
    await follower?.drain(logEnd, options);
  }

  /** Ends what is done for this log and closes its file. Resolves when it is closed. */
  async stop(id: string): Promise<void> {
    const followed = this.#followed.get(id);
    if (!followed) return;
    followed.stop.abort();
    const follower = await followed.opening.catch(() => undefined); // Whoever asked to start it has the error.
    await follower?.stop();
    if (this.#followed.get(id) === followed) this.#followed.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#followed.keys()].map((id) => this.stop(id)));
  }

  /** A log that cannot be opened after a restart is being opened for as long as its container exists. */
  async #opened(id: string, signal: AbortSignal): Promise<LogFollower | undefined> {
    const followed = this.#followed.get(id);
    return followed && await untilAborted(followed.opening, signal);
  }

  #begin(entry: ContainerEntry, open: (signal: AbortSignal) => Promise<LogSink | undefined>): Followed {
    const stop = new AbortController();
    const { clock, agents } = this.#options;
    const opening = open(stop.signal).then((sink) =>
      sink && new LogFollower({ containerId: entry.id, vmId: entry.sandbox.facts.vmId, sink, agents, clock })
    );
    const followed = { stop, opening };
    this.#followed.set(entry.id, followed);
    return followed;
  }

  async #open(entry: ContainerEntry): Promise<LogSink> {
    const path = logPath(entry.sandbox.config, entry.config);
    if (path === undefined) return new DiscardingLog();
    const { clock, store } = this.#options;
    const { logBase, logDevice, logInode } = entry.facts;
    const opening = LogWriter.open({
      containerId: entry.id,
      path,
      recorded: { base: logBase, device: logDevice, inode: logInode },
      record: ({ base, device, inode }) =>
        store.containers.update(
          entry.id,
          { logBase: base, logDevice: device, logInode: inode },
          "container log file",
        ),
      files: this.#files,
      clock,
      onfull: () => this.#failedWrites++,
    });
    return await opening.catch((cause) => {
      throw new UnavailableError(
        `Log file '${path}' of container ${entry.id} cannot be opened: ${cause.message}`,
        {
          cause,
        },
      );
    });
  }

  async #openAgain(entry: ContainerEntry, signal: AbortSignal): Promise<LogSink | undefined> {
    for (let attempt = 1;; attempt++) {
      signal.throwIfAborted();
      try {
        if (entry.state.kind === "exited" && await this.#isFinished(entry)) return undefined;
        return await this.#open(entry);
      } catch (error) {
        if (attempt === 1) {
          logger.error("Log of container {containerId} cannot be opened, trying again: {error}", {
            containerId: entry.id,
            error,
          });
        }
      }
      await this.#options.clock.sleep(RESUME_RETRY_MS, signal);
    }
  }

  /** Whether there is nothing to do for the log of a container that has ended: it is complete, or was deleted. */
  async #isFinished(entry: ContainerEntry): Promise<boolean> {
    const path = logPath(entry.sandbox.config, entry.config);
    if (path === undefined) return true;
    const { logBase, logDevice, logInode } = entry.facts;
    const place = { base: logBase, device: logDevice, inode: logInode };
    const position = await findLogPlace(this.#files, path, place);
    return position === undefined || position >= Number(entry.agentState?.logEnd ?? 0n);
  }
}
