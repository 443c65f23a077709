// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../../lib/clock.ts";
import { FailedPreconditionError, InvalidArgumentError, TimeoutError } from "../../../lib/errors.ts";
import {
  type ExitRecord,
  LOG_DIRECTORY,
  type MonitorEvent,
  readRecord,
  START_FILE,
  STARTED_FILE,
  type StartedRecord,
  type StartRecord,
  writeRecord,
} from "../../monitor/spec.ts";
import type { Os } from "../../os/os.ts";
import { SpoolReader } from "../../spool/reader.ts";
import type {
  ContainerFacts,
  ContainerUsage,
  EngineContainer,
  ExecProcess,
  ExecSpec,
  ExitFacts,
} from "../engine.ts";
import { EXEC_VARIABLE, TERMINATION_LOG_VARIABLE } from "./environment.ts";
import { ChildExec } from "./exec_process.ts";
import { MonitorLink } from "./monitor_link.ts";
import { startMonitor } from "./monitor_process.ts";
import { findContainer, takeOver, type TakeoverOptions } from "./takeover.ts";
import { readTerminationMessage } from "./termination_message.ts";

const SIGKILL = 9;
/** From SIGKILL to the end of a monitor's work. */
const KILL_BOUND_MS = 10_000;
const logger = getLogger(["vmserver", "exec"]);

/** @see ExecContainer */
export interface ExecContainerOptions {
  readonly id: string;
  readonly directory: string;
  readonly start: StartRecord;
  readonly stopSignal: number;
  readonly os: Os;
  readonly clock: Clock;
  /** Program and arguments of a monitor, to which the directory is added. */
  readonly monitor: readonly string[];
}

/** A container of engine `exec`, seen from the agent: its monitor does the work and lives on without it. */
export class ExecContainer implements EngineContainer {
  readonly id: string;
  readonly log: SpoolReader;
  onchange: (() => void) | null = null;
  readonly #options: ExecContainerOptions;
  readonly #ended = Promise.withResolvers<void>();
  #link: MonitorLink | undefined;
  #started: StartedRecord | undefined;
  #exit: ExitFacts | undefined;
  #starting: Promise<void> | undefined;
  #monitorEnded = () => Promise.resolve();
  #cpu = 0n;

  constructor(options: ExecContainerOptions) {
    this.id = options.id;
    this.#options = options;
    this.log = new SpoolReader(`${options.directory}/${LOG_DIRECTORY}`);
  }

  facts(): ContainerFacts {
    return {
      ...(this.#started && { startedAtNs: BigInt(this.#started.startedAtNs), pid: this.#started.pid }),
      ...(this.#exit && { exit: this.#exit }),
    };
  }

  start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#starting || this.#started || this.#exit) {
      return Promise.reject(new FailedPreconditionError(`Container ${this.id} was started already`));
    }
    // Once begun it is not given up half-way: the call may go, the facts come by themselves.
    this.#starting = this.#start().finally(() => this.#starting = undefined);
    return this.#starting;
  }

  async stop(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#starting?.catch(() => {});
    if (!this.#started || this.#exit) return;
    if (graceMs > 0) {
      await this.#link?.send({ signal: this.#options.stopSignal, all: false });
      if (await this.#endsWithin(graceMs, signal)) return;
    }
    await this.kill(signal);
  }

  /** Resolves when nothing of the container runs and its log is complete. No error if it never ran. */
  async kill(signal: AbortSignal): Promise<void> {
    await this.#starting?.catch(() => {});
    if (!this.#started || this.#exit) return;
    await this.#link?.send({ signal: SIGKILL, all: true });
    if (await this.#endsWithin(KILL_BOUND_MS, signal)) return;
    logger.warn("Container {id} did not end after SIGKILL: killing its monitor {monitor}", {
      id: this.id,
      monitor: this.#started.monitor,
    });
    await this.#options.os.signal(this.#started.monitor, SIGKILL);
    if (await this.#endsWithin(KILL_BOUND_MS, signal)) return;
    throw new TimeoutError(`Container ${this.id} is still there ${2 * KILL_BOUND_MS} ms after SIGKILL`);
  }

  exec(spec: ExecSpec, signal: AbortSignal): Promise<ExecProcess> {
    signal.throwIfAborted();
    if (!this.#started || this.#exit) {
      throw new FailedPreconditionError(`Container ${this.id} is not running: a command needs one that does`);
    }
    if (spec.command.length === 0) throw new InvalidArgumentError("Command to run in the container is empty");
    const { start, os } = this.#options;
    return Promise.resolve(
      new ChildExec(spec, {
        environment: { ...start.environment, [EXEC_VARIABLE]: this.id },
        workingDirectory: start.workingDirectory,
        os,
      }),
    );
  }

  async usage(): Promise<ContainerUsage | undefined> {
    if (!this.#started || this.#exit) return undefined;
    const usage = await this.#options.os.usage(this.#started.pid);
    if (!usage) return undefined;
    // The time of a process that nobody waited for is lost with it: a counter must not go back for that.
    if (usage.cpuNanoseconds > this.#cpu) this.#cpu = usage.cpuNanoseconds;
    return {
      cpuNanoseconds: this.#cpu,
      memoryWorkingSetBytes: usage.residentBytes,
      memoryRssBytes: usage.anonymousBytes,
      processes: usage.processes,
      // It has no layer of its own to write to.
      writableBytes: 0,
      writableInodes: 0,
    };
  }

  /** After a start of the agent: joins the container's monitor, or notes how the container ended. */
  async recover(): Promise<void> {
    const found = await findContainer(this.#takeover());
    if (found.kind === "exited") return await this.#finish(found.exit);
    if (found.kind === "created") return;
    const first = Promise.withResolvers<void>();
    void this.#follow(found.link, first.resolve);
    await first.promise;
  }

  /** Nothing more is wanted of it. Resolves when its monitor has ended, if the container has. */
  async release(): Promise<void> {
    this.onchange = null;
    this.log.remove();
    this.#link?.close();
    if (this.#exit) await this.#monitorEnded();
  }

  async #start(): Promise<void> {
    const { directory, start, monitor } = this.#options;
    Deno.writeFileSync(start.environment[TERMINATION_LOG_VARIABLE]!, new Uint8Array(), { mode: 0o666 });
    writeRecord(`${directory}/${START_FILE}`, start);
    let event: MonitorEvent | undefined;
    let problem = "";
    try {
      const started = await startMonitor(directory, monitor);
      event = started.event;
      this.#monitorEnded = started.ended;
    } catch (error) {
      problem = (error as Error).message;
    }
    const link = event?.started && await MonitorLink.connect(directory);
    if (event) await this.#apply(event);
    if (link) return void this.#follow(link, () => {});
    if (!this.#exit) await this.#finish(await takeOver({ ...this.#takeover(), ...(problem && { problem }) }));
    if (!this.#started) throw new FailedPreconditionError(this.#exit!.message);
  }

  async #follow(link: MonitorLink, onfirst: () => void): Promise<void> {
    this.#link = link;
    try {
      for await (const event of link.events()) {
        await this.#apply(event);
        onfirst();
      }
      if (!this.#exit) await this.#finish(await takeOver(this.#takeover()));
    } catch (error) {
      logger.error("Cannot follow the monitor of container {id}: {error}", { id: this.id, error });
    } finally {
      link.close();
      onfirst();
    }
  }

  async #apply(event: MonitorEvent): Promise<void> {
    this.log.advance(event.end);
    if (event.started && !this.#started) {
      this.#started = event.started;
      this.onchange?.();
    }
    if (event.exit) await this.#finish(event.exit);
  }

  /** The termination message is read before anybody hears of the end: the kubelet asks once. */
  async #finish(record: ExitRecord): Promise<void> {
    if (this.#exit) return;
    const { directory, start } = this.#options;
    const terminationMessage = await readTerminationMessage(start.environment[TERMINATION_LOG_VARIABLE]!);
    this.#started ??= readRecord<StartedRecord>(`${directory}/${STARTED_FILE}`);
    this.log.complete(record.logEnd);
    this.#exit = {
      finishedAtNs: BigInt(record.finishedAtNs),
      exitCode: record.exitCode,
      reason: record.reason,
      message: record.message,
      terminationMessage,
      logRecordsDropped: record.logRecordsDropped,
    };
    this.#ended.resolve();
    this.onchange?.();
  }

  async #endsWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const late = this.#options.clock.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => false);
    late.catch(() => {});
    try {
      return await Promise.race([this.#ended.promise.then(() => true), late]);
    } finally {
      over.abort();
    }
  }

  #takeover(): TakeoverOptions {
    const { id, directory, os, clock } = this.#options;
    return { containerId: id, directory, os, nowNs: () => clock.nowNs() };
  }
}
