// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../../lib/clock.ts";
import { InvalidArgumentError } from "../../../lib/errors.ts";
import type { StartRecord } from "../../monitor/spec.ts";
import type { Os } from "../../os/os.ts";
import type { ContainerSpec, Engine, EngineContainer } from "../engine.ts";
import { ExecContainer } from "./container.ts";
import { buildEnvironment, CONTAINER_VARIABLE, EXEC_VARIABLE } from "./environment.ts";
import { monitorCommand } from "./monitor_process.ts";
import { checkMounts } from "./mounts.ts";
import { notEnforced, refuseUnsupported } from "./refusals.ts";
import { stopSignalNumber } from "./stop_signal.ts";

const TERMINATION_LOG_FILE = "termination-log";

/** @see ExecEngine */
export interface ExecEngineOptions {
  readonly os: Os;
  readonly clock: Clock;
  /**
   * Most bytes of a container's log that wait for the node.
   * @default 64 MiB
   */
  readonly logLimit?: number;
  /**
   * Program and arguments that run a monitor, to which a directory is added.
   * @default this program's own `monitor`
   */
  readonly monitor?: readonly string[];
}

/**
 * Containers as plain processes of the VM: no image, no isolation, no limits. For development and tests, and the
 * smallest engine that keeps the whole contract.
 */
export class ExecEngine implements Engine {
  readonly name = "exec";
  readonly #options: ExecEngineOptions;
  /** Sandboxes whose pod was told what it does not get. */
  readonly #warned = new Set<string>();

  constructor(options: ExecEngineOptions) {
    this.#options = options;
  }

  async create(
    spec: ContainerSpec,
    signal: AbortSignal,
  ): Promise<{ container: EngineContainer; warnings: readonly string[] }> {
    await Promise.resolve();
    signal.throwIfAborted();
    refuseUnsupported(spec.config, spec.sandbox.config, this.#options.os.user);
    const notPresented = checkMounts(spec.mounts);
    const container = this.#container(spec);
    return { container, warnings: this.#warn(spec, notPresented) };
  }

  async recover(spec: ContainerSpec, signal: AbortSignal): Promise<EngineContainer> {
    this.#warned.add(spec.sandbox.id);
    const container = this.#container(spec);
    // Their calls died with the agent that was killed.
    await this.#options.os.killAll({ marker: `${EXEC_VARIABLE}=${spec.id}` }, signal);
    await container.recover();
    return container;
  }

  async remove(container: EngineContainer, signal: AbortSignal): Promise<void> {
    if (!(container instanceof ExecContainer)) {
      throw new TypeError(`Container ${container.id} is not of engine exec`);
    }
    await container.kill(signal);
    await container.release();
  }

  #container(spec: ContainerSpec): ExecContainer {
    const { os, clock, monitor = monitorCommand() } = this.#options;
    return new ExecContainer({
      id: spec.id,
      directory: spec.directory,
      start: this.#startRecord(spec),
      stopSignal: stopSignalNumber(spec.config.stopSignal, os),
      os,
      clock,
      monitor,
    });
  }

  #startRecord({ id, sandbox, config, directory }: ContainerSpec): StartRecord {
    const { os, logLimit = 64 * 1024 * 1024 } = this.#options;
    const argv = [...config.command, ...config.args];
    if (argv.length === 0) {
      throw new InvalidArgumentError(
        "Container has neither command nor args: the image of engine exec has no entrypoint",
      );
    }
    const nul = argv.findIndex((argument) => argument.includes("\0"));
    if (nul >= 0) throw new InvalidArgumentError(`Container's command has a NUL byte in word ${nul}`);
    const environment = buildEnvironment(config.envs, {
      containerId: id,
      path: os.defaultPath,
      hostname: sandbox.config.hostname,
      terminationLog: absolute(`${directory}/${TERMINATION_LOG_FILE}`),
    });
    const marker = `${CONTAINER_VARIABLE}=${id}`;
    return { version: 1, argv, environment, workingDirectory: config.workingDir || "/", marker, logLimit };
  }

  /** Once a pod: the kubelet sends the same to each of its containers. */
  #warn({ sandbox, config }: ContainerSpec, notPresented: readonly string[]): string[] {
    if (this.#warned.has(sandbox.id)) return [];
    this.#warned.add(sandbox.id);
    const unmet = notEnforced(config, this.#options.os.user);
    if (sandbox.config.dnsConfig) unmet.push("DNS configuration");
    const mounts = notPresented.length > 0 ? `; not presented: ${notPresented.join(", ")}` : "";
    return [`Containers of engine exec are plain processes; not enforced: ${unmet.join(", ")}${mounts}`];
  }
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}
