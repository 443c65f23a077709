// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { getLogger } from "@logtape/logtape";
import { linkAbort } from "../../lib/deadline.ts";
import { AlreadyExistsError, NotFoundError, SupersededError } from "../../lib/errors.ts";
import { SingleFlight } from "../../lib/single_flight.ts";
import type { Tasks } from "../../lib/tasks.ts";
import type { PodSandboxConfig } from "../../protocol/gen/cri_pb.ts";
import type { PodView } from "../http/api.ts";
import type { Model, ModelChange } from "../state/model.ts";
import { SandboxEntry } from "../state/sandbox_entry.ts";
import type { AcceptedPod, RunOptions } from "./accepted_pod.ts";
import { chooseContainer } from "./choose_container.ts";
import { type KeeperParts, PodKeeper } from "./keeper.ts";
import type { PodManifest } from "./manifest.ts";
import { manifestOf } from "./manifest_of.ts";
import { namespaceOf, parseManifest } from "./parse_manifest.ts";
import type { PodName } from "./pod_files.ts";
import { runsOf } from "./pod_runs.ts";
import { lastRun } from "./restart.ts";
import { StartPhases } from "./start_phases.ts";
import { sandboxConfig } from "./translate.ts";
import { until } from "./until.ts";
import { podView } from "./view.ts";

const logger = getLogger(["infranetes", "pods"]);

export interface PodsParts extends KeeperParts {
  readonly model: Model;
  readonly tasks: Tasks;
  /** A new uid for each pod. */
  readonly newUid: () => string;
  /** Aborts when the process shuts down: pods live on. */
  readonly signal: AbortSignal;
}

interface Kept {
  readonly keeper: PodKeeper;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Pods without Kubernetes. They are sandboxes with origin `client` in the same store, run by the same functions as the
 * kubelet's; this does what a kubelet does for its own: it makes containers, restarts and removes them.
 */
export class Pods implements Disposable {
  readonly #parts: PodsParts;
  readonly #kept = new Map<string, Kept>();
  readonly #removals = new SingleFlight<void>();
  /** `namespace/name` of pods that have no row yet. */
  readonly #reserved = new Set<string>();
  #subscription: Disposable | undefined;

  constructor(parts: PodsParts) {
    this.#parts = parts;
  }

  /** Takes up the pods of an earlier process and deletes files of pods that are gone. Call it once, before anything else. */
  async resume(): Promise<void> {
    const { model, files } = this.#parts;
    const pods = [...this.#sandboxes()];
    await files.sweep(pods.map(({ facts }) => facts));
    this.#subscription = model.subscribe((change) => this.#onchange(change));
    for (const pod of pods) this.#takeUp(pod);
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
  }

  list(namespace?: string): PodView[] {
    const pods = [...this.#sandboxes()].filter(({ facts }) =>
      namespace === undefined || facts.namespace === namespace
    );
    return pods.map((pod) => this.#view(pod));
  }

  /** @throws {NotFoundError} if there is no such pod */
  get(namespace: string, name: string): PodView {
    return this.#view(this.#find(namespace, name));
  }

  /**
   * The last run of a pod's container, or the one before it.
   *
   * @throws {NotFoundError} if there is no such pod, container or run
   */
  run(namespace: string, name: string, container: string | undefined, previous = false) {
    const sandbox = this.#find(namespace, name);
    const { containers } = manifestOf(sandbox).spec;
    const chosen = chooseContainer(containers.map((one) => one.name), container, `${namespace}/${name}`);
    const runs = runsOf(this.#parts.model, sandbox.id, chosen);
    const last = lastRun(runs);
    const wanted = previous ? lastRun(runs.filter(({ attempt }) => attempt < last!.attempt)) : last;
    const entry = wanted && this.#parts.model.container(wanted.id);
    if (entry) return { sandbox, entry, container: chosen };
    throw new NotFoundError(
      `Container "${chosen}" of pod ${namespace}/${name} ${
        previous ? "has had no run before this one" : "has not been made yet"
      }`,
    );
  }

  /**
   * Accepts a pod: from here on it is started whether or not somebody waits.
   *
   * @throws {ManifestError} for a manifest that cannot be run
   * @throws {AlreadyExistsError} if there is a pod of this name
   * @throws {NotFoundError} if there is no such image
   */
  async accept(given: unknown, options: RunOptions): Promise<AcceptedPod> {
    const manifest = parseManifest(given);
    const namespace = namespaceOf(manifest, options.namespace);
    const { name } = manifest.metadata;
    const reservation = this.#reserve(namespace, name);
    try {
      for (const { image } of manifest.spec.containers) {
        await this.#parts.calls.resolveImage(image, options.signal);
      }
      const pod = { namespace, name, uid: this.#parts.newUid() };
      await this.#parts.files.create(pod, manifest.spec.containers.map((container) => container.name));
      const phases = new StartPhases();
      const config = sandboxConfig(manifest, {
        ...pod,
        given,
        logDirectory: this.#parts.files.logDirectory(pod),
      });
      const start = this.#start(manifest, config, pod, phases, options.removeOnFailure);
      this.#parts.tasks.start(
        `start of pod ${namespace}/${name}`,
        () => start.finally(reservation.release).catch(() => {}),
      );
      return { ...pod, phases: phases.stream, running: start };
    } catch (error) {
      reservation.release();
      throw error;
    }
  }

  /**
   * Stops a pod's containers with its grace time, then its VM, and deletes everything of it.
   *
   * @throws {NotFoundError} if there is no such pod
   */
  async remove(namespace: string, name: string, graceSeconds?: number): Promise<void> {
    await this.#removeSandbox(this.#find(namespace, name), graceSeconds);
  }

  #reserve(namespace: string, name: string): { release: () => void } {
    const key = `${namespace}/${name}`;
    const exists = [...this.#sandboxes()].some(({ facts }) =>
      facts.namespace === namespace && facts.name === name
    );
    if (exists || this.#reserved.has(key)) {
      throw new AlreadyExistsError(
        `Pod ${key} exists: remove it first (infranetes pod rm ${name}), or choose another name`,
      );
    }
    this.#reserved.add(key);
    return { release: () => void this.#reserved.delete(key) };
  }

  async #start(
    manifest: PodManifest,
    config: PodSandboxConfig,
    pod: PodName,
    phases: StartPhases,
    removeOnFailure: boolean,
  ): Promise<PodView> {
    const { calls, files, model, signal } = this.#parts;
    try {
      const onphase = (phase: string, ms: number) => phases.add(phase, ms);
      await calls.runSandbox(config, manifest.spec.runtimeClassName ?? "", onphase, signal);
    } catch (error) {
      // What was made of it is taken back by the start itself, its files by the end of its row; before a row there is none.
      if (!signal.aborted && !this.#exists(pod.uid)) await files.remove(pod);
      throw error;
    } finally {
      phases.end();
    }
    const sandbox = this.#find(pod.namespace, pod.name);
    const kept = this.#takeUp(sandbox);
    if (!kept) throw new SupersededError(`Pod ${pod.namespace}/${pod.name} was removed while it started`);
    try {
      const started = () => manifest.spec.containers.every(({ name }) => this.#hasStarted(sandbox, name));
      await Promise.race([kept.keeper.failed, until(model, started, kept.controller.signal)]);
    } catch (error) {
      if (removeOnFailure && !signal.aborted) await this.#removeSandbox(sandbox, 0);
      throw error;
    }
    return this.#view(sandbox);
  }

  #hasStarted(sandbox: SandboxEntry, container: string): boolean {
    const run = lastRun(runsOf(this.#parts.model, sandbox.id, container));
    // Of one that could not be started the keeper is about to tell why.
    return run?.kind === "running" || (run?.kind === "exited" && !run.startFailed);
  }

  #exists(uid: string): boolean {
    return [...this.#sandboxes()].some(({ facts }) => facts.uid === uid);
  }

  *#sandboxes(): Iterable<SandboxEntry> {
    for (const entry of this.#parts.model.sandboxes()) if (entry.facts.origin === "client") yield entry;
  }

  #find(namespace: string, name: string): SandboxEntry {
    for (const entry of this.#sandboxes()) {
      if (entry.facts.namespace === namespace && entry.facts.name === name) return entry;
    }
    throw new NotFoundError(`Pod ${namespace}/${name} does not exist`);
  }

  #view(sandbox: SandboxEntry): PodView {
    const troubleOf = (container: string) => this.#kept.get(sandbox.id)?.keeper.trouble(container);
    return podView(this.#parts.model, sandbox, manifestOf(sandbox), {
      now: this.#parts.clock.now(),
      troubleOf,
    });
  }

  #onchange({ kind, entry }: ModelChange): void {
    if (!(entry instanceof SandboxEntry) || entry.facts.origin !== "client") return;
    if (kind === "changed") {
      // Not in the middle of the change: what follows from it may record facts.
      return this.#parts.tasks.start(`pod ${entry.facts.name}`, () => this.#takeUpSoon(entry));
    }
    this.#kept.get(entry.id)?.controller.abort(
      new NotFoundError(`Pod ${entry.facts.namespace}/${entry.facts.name} was removed`),
    );
    // The row is gone for good: so are the files, whoever removed it.
    this.#parts.tasks.start(`files of pod ${entry.facts.name}`, () => this.#parts.files.remove(entry.facts));
  }

  async #takeUpSoon(sandbox: SandboxEntry): Promise<void> {
    if (this.#kept.has(sandbox.id) || sandbox.state.kind !== "ready") return;
    await Promise.resolve();
    if (!this.#parts.signal.aborted) this.#takeUp(sandbox);
  }

  /** Does what the pod's facts call for: keeps a pod that is ready, goes on removing one that was being removed. */
  #takeUp(sandbox: SandboxEntry): Kept | undefined {
    const kept = this.#kept.get(sandbox.id);
    if (kept || sandbox.state.kind !== "ready") return kept;
    // Nobody but a removal stops containers of such a pod.
    const removing = [...this.#parts.model.containersOf(sandbox.id)].some(({ facts }) =>
      facts.stopIntentAt !== null
    );
    if (removing) {
      this.#parts.tasks.start(
        `removal of pod ${sandbox.facts.name}`,
        () => this.#removeSandbox(sandbox, undefined),
      );
      return undefined;
    }
    return this.#keep(sandbox);
  }

  #keep(sandbox: SandboxEntry): Kept {
    const controller = new AbortController();
    const unlink = linkAbort(this.#parts.signal, controller);
    const keeper = new PodKeeper(this.#parts, sandbox, manifestOf(sandbox), controller.signal);
    const ended = keeper.run().catch((error) => {
      if (!controller.signal.aborted) {
        logger.error("Keeper of pod {pod} failed: {error}", { pod: sandbox.facts.name, error });
      }
    }).finally(unlink);
    const kept = { keeper, controller, ended };
    this.#kept.set(sandbox.id, kept);
    this.#parts.tasks.start(`pod ${sandbox.facts.name}`, () => ended);
    return kept;
  }

  async #removeSandbox(sandbox: SandboxEntry, graceSeconds: number | undefined): Promise<void> {
    await this.#removals.run(sandbox.id, async () => {
      const { calls, files, model, signal } = this.#parts;
      const kept = this.#kept.get(sandbox.id);
      kept?.controller.abort(
        new NotFoundError(`Pod ${sandbox.facts.namespace}/${sandbox.facts.name} is being removed`),
      );
      await kept?.ended;
      if (sandbox.state.kind === "ready") {
        const grace = graceSeconds ?? manifestOf(sandbox).spec.terminationGracePeriodSeconds;
        const running = [...model.containersOf(sandbox.id)].filter(({ state }) => state.kind === "running");
        await Promise.all(running.map(({ id }) => calls.stopContainer(id, grace, signal)));
      }
      await calls.stopSandbox(sandbox.id, signal);
      await calls.removeSandbox(sandbox.id, signal);
      this.#kept.delete(sandbox.id);
      await files.remove(sandbox.facts);
    });
  }
}
