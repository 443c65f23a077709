// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { deadline, untilAborted } from "../../lib/deadline.ts";
import { CloseCode } from "../../protocol/link/session_end.ts";
import { Code, toStatus } from "../../protocol/status.ts";
import type { AgentLink, Agents } from "../agent_link.ts";
import type { LogSink } from "./log_writer.ts";
import { firstRecordStart, LogFramingError, RecordFramer } from "./record_framer.ts";

const logger = getLogger(["infranetes", "logs"]);

/** The agent may delete what is durable here. Asked for that often, it is cheap and bounds the agent's disk. */
const SYNC_BYTES = 4 * 1024 * 1024;
const TRIM_TIMEOUT_MS = 10_000;
const BACKOFF_MS = { first: 100, most: 30_000 };

export interface LogFollowerOptions {
  readonly containerId: string;
  readonly vmId: string;
  readonly sink: LogSink;
  readonly agents: Pick<Agents, "waitFor">;
  readonly clock: Clock;
}

/**
 * Takes the log of one container from its agent to its file, over as many sessions as it needs, until it is complete.
 * Each session begins where the file ends. Memory: one message of the link and at most one record.
 */
export class LogFollower {
  readonly sink: LogSink;
  readonly #options: LogFollowerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #complete = false;
  /** The offset that was asked for is gone: whatever is there will do. */
  #orOldest = false;
  #synced: number;
  #syncing: Promise<void> | undefined;
  #moved = Promise.withResolvers<void>();

  /** Begins at once. */
  constructor(options: LogFollowerOptions) {
    this.#options = options;
    this.sink = options.sink;
    this.#synced = options.sink.position;
    this.#running = this.#run();
  }

  /** Everything that the container ever said is in the file. */
  get complete(): boolean {
    return this.#complete;
  }

  /**
   * Resolves when everything before `logEnd` is in the file, or the log is complete without it.
   * @throws {TimeoutError} if nothing came for `stallMs`
   */
  async drain(logEnd: number, { stallMs, signal }: { stallMs: number; signal: AbortSignal }): Promise<void> {
    const { clock, containerId } = this.#options;
    while (!this.#complete && this.sink.position < logEnd) {
      const what = `Waiting for the log of container ${containerId} from offset ${this.sink.position} on`;
      using stall = deadline(stallMs, { clock, parents: [signal], what });
      await untilAborted(this.#moved.promise, stall.signal);
    }
  }

  /** Ends and closes the file. What the file does not have yet stays with the agent. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    await using sink = this.sink;
    let last: AgentLink | undefined;
    for (let failures = 0; !this.#complete && !this.#stop.signal.aborted;) {
      const before = sink.position;
      try {
        const link = await this.#options.agents.waitFor(this.#options.vmId, this.#stop.signal);
        // That sessions end says nothing about the log, however many of them: only those of one session count.
        if (link !== last) failures = 0;
        last = link;
        await this.#follow(link);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        failures = sink.position > before ? 0 : failures + 1;
        this.#failed(error, failures);
        await this.#backOff(failures);
      }
    }
    await this.#syncing;
  }

  async #follow(link: AgentLink): Promise<void> {
    try {
      await this.#copy(link);
    } catch (error) {
      if (error instanceof LogFramingError) {
        link.session.close(
          `${error.message} (container ${this.#options.containerId})`,
          CloseCode.PROTOCOL_ERROR,
        );
      }
      throw error;
    }
    this.#complete = true;
    this.#advance();
    await this.#syncing;
    await this.#sync(link);
  }

  async #copy(link: AgentLink): Promise<void> {
    const { sink } = this;
    const signal = this.#stop.signal;
    const framer = new RecordFramer(sink.begun);
    let expected = sink.position;
    let boundary = true;
    let mayJump = this.#orOldest || sink.discards;
    const request = {
      containerId: this.#options.containerId,
      offset: BigInt(expected),
      orOldest: mayJump,
    };
    for await (const { offset, data } of link.containers.logs(request, { signal })) {
      let bytes = data;
      if (mayJump && offset > expected) {
        this.#tellGap(Number(offset) - expected);
        expected = Number(offset);
        boundary = false;
      }
      mayJump = this.#orOldest = false;
      if (Number(offset) !== expected) {
        throw new LogFramingError(`Log came from offset ${offset}, not ${expected}`);
      }
      expected += bytes.length;
      if (!boundary) {
        bytes = bytes.subarray(firstRecordStart(bytes));
        await sink.skip(expected - bytes.length);
        boundary = bytes.length > 0;
      }
      const records = framer.push(bytes);
      if (records.length === 0) continue;
      await sink.append(records, signal);
      this.#advance();
      this.#syncSoon(link);
    }
    if (framer.midRecord) throw new LogFramingError("Log ends within a record");
  }

  #advance(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  #syncSoon(link: AgentLink): void {
    if (this.#syncing || this.sink.position - this.#synced < SYNC_BYTES) return;
    this.#syncing = this.#sync(link).finally(() => this.#syncing = undefined);
  }

  /** Never rejects: what is not trimmed now is the next time. */
  async #sync(link: AgentLink): Promise<void> {
    const { containerId } = this.#options;
    try {
      const durable = await this.sink.sync();
      if (durable <= this.#synced && !this.#complete) return;
      this.#synced = durable;
      await link.containers.trimLogs(
        { containerId, durableOffset: BigInt(durable) },
        { timeoutMs: TRIM_TIMEOUT_MS, signal: this.#stop.signal },
      );
    } catch (error) {
      if (this.#stop.signal.aborted || isSessionEnd(error)) return;
      logger.warning("Log of container {containerId} could not be made durable and trimmed: {error}", {
        containerId,
        error,
      });
    }
  }

  #failed(error: unknown, failures: number): void {
    const { containerId, vmId } = this.#options;
    const { code } = toStatus(error);
    if (code === Code.OUT_OF_RANGE) return this.#outOfRange(error);
    if (isSessionEnd(error)) return;
    // The same failure again and again is told once.
    if (failures > 1) return;
    logger.warning("Log of container {containerId} in VM {vmId} cannot be followed: {error}", {
      containerId,
      vmId,
      error,
    });
  }

  #outOfRange(error: unknown): void {
    const properties = { containerId: this.#options.containerId, position: this.sink.position, error };
    if (!this.#orOldest) {
      this.#orOldest = true;
      logger.error(
        "Log of container {containerId} is not at offset {position} in its VM: {error}",
        properties,
      );
    } else {
      // Not before the log, so behind its end: the VM has lost some that the file has.
      this.#complete = true;
      this.#advance();
    }
  }

  #tellGap(bytes: number): void {
    if (this.sink.discards) return;
    const { containerId } = this.#options;
    logger.error("{bytes} bytes of the log of container {containerId} are lost", { containerId, bytes });
  }

  async #backOff(failures: number): Promise<void> {
    const ms = Math.min(BACKOFF_MS.first * 2 ** Math.max(0, failures - 1), BACKOFF_MS.most);
    try {
      await this.#options.clock.sleep(ms, this.#stop.signal);
    } catch {
      // Stopped: the loop sees it.
    }
  }
}

/** The session is over, which says nothing about the log: the next one goes on. */
function isSessionEnd(error: unknown): boolean {
  const { code } = toStatus(error);
  return code === Code.UNAVAILABLE || code === Code.CANCELLED;
}
