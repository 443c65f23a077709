// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";
import { CapacityError, NotFoundError, UnavailableError } from "../../lib/errors.ts";
import { Containers, Sandbox } from "../../protocol/gen/agent_pb.ts";
import { Router } from "../../protocol/link/session.ts";
import type { CallContext, Session } from "../../protocol/link/session.ts";
import type { VmSpec } from "../provider.ts";
import type { FakeAgent } from "./agent.ts";
import type { FakeConfig } from "./config.ts";
import { fakeConfigSchema } from "./config.ts";
import { containerService } from "./container_service.ts";
import { sandboxService } from "./sandbox_service.ts";
import { FakeVm } from "./vm.ts";

/** The calls that an error can be put before. */
export type CloudCall = "create" | "list" | "describe" | "delete" | "bind";

/** Addresses for benchmarks, which no network routes: 198.18.0.0/15 (RFC 2544). */
const FIRST_ADDRESS = (198 << 24 | 18 << 16) >>> 0;
const ADDRESSES = 2 ** 17;

export interface FakeCloudOptions {
  readonly clock: Clock;
  /** Knobs; all that is left out has the default of `config.ts`. */
  readonly knobs?: Partial<Omit<FakeConfig, "kind">>;
  /** From 0 to less than 1, for latencies and error rates. @default Math.random */
  readonly random?: () => number;
}

/**
 * A cloud in memory. Its VMs outlive a provider object, so that a test can restart a node over it; they do not outlive
 * the process.
 */
export class FakeCloud {
  readonly clock: Clock;
  /** May be changed at any time; holds for calls that begin afterwards. */
  knobs: Omit<FakeConfig, "kind">;
  /** The next create call ignores its token: a second VM with the same tags. */
  ignoreTokenOnce = false;
  /** The next create call makes its VM and then fails as if the answer was lost. */
  loseCreateReplyOnce = false;
  readonly #random: () => number;
  readonly #vms = new Map<string, FakeVm>();
  readonly #nextErrors = new Map<CloudCall, Error[]>();
  readonly #calls = new Map<CloudCall, number>();
  readonly #agents = new WeakMap<Session, FakeAgent>();
  readonly #router: Router;
  readonly #addresses = new Set<string>();
  #created = 0;

  constructor({ clock, knobs, random = Math.random }: FakeCloudOptions) {
    this.clock = clock;
    this.knobs = { ...fakeConfigSchema.parse({ kind: "fake" }), ...knobs };
    this.#random = random;
    const agentOf = ({ session }: CallContext) => this.#agents.get(session)!;
    this.#router = new Router().service(Sandbox, sandboxService(agentOf)).service(
      Containers,
      containerService(agentOf),
    );
  }

  /** The next calls of this kind fail with these errors, one each. */
  failNext(call: CloudCall, ...errors: readonly Error[]): void {
    this.#nextErrors.set(call, [...this.#nextErrors.get(call) ?? [], ...errors]);
  }

  set nextCreateError(error: Error) {
    this.failNext("create", error);
  }

  /** How often a call was begun. */
  calls(call: CloudCall): number {
    return this.#calls.get(call) ?? 0;
  }

  /** Every VM that exists, in the order of creation. */
  get vms(): readonly FakeVm[] {
    this.#forgetGone();
    return [...this.#vms.values()];
  }

  /** The VM with this id of ours. If the token was ignored there may be two: the first. */
  vm(vmId: string): FakeVm {
    const found = this.vms.find(({ spec }) => spec.vmId === vmId);
    if (!found) throw new NotFoundError(`VM ${vmId} does not exist`);
    return found;
  }

  /** @throws {NotFoundError} */
  instance(instanceId: string): FakeVm {
    const vm = this.#vms.get(instanceId);
    if (vm && !vm.gone) return vm;
    if (vm) this.#forget(vm);
    throw new NotFoundError(`VM ${instanceId} does not exist`);
  }

  /** What a call costs before it does anything: its latency, and the error that was put before it. */
  async begin(call: CloudCall, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#calls.set(call, this.calls(call) + 1);
    const { latency: { min, max }, errorRate } = this.knobs;
    const latency = min + this.#random() * (max - min);
    if (latency > 0) await this.clock.sleep(latency, signal);
    const error = this.#nextErrors.get(call)?.shift();
    if (error) throw error;
    if (errorRate > 0 && this.#random() < errorRate) {
      throw new UnavailableError(`Cannot ${call}: the fake cloud fails ${errorRate * 100} % of all calls`);
    }
  }

  /** Makes a VM or finds the one that this token has made. */
  create(spec: VmSpec): FakeVm {
    const known = this.#ignoresToken() ? undefined : this.vms.find((vm) => vm.spec.token === spec.token);
    const vm = known ?? this.#make(spec);
    if (!this.loseCreateReplyOnce) return vm;
    this.loseCreateReplyOnce = false;
    throw new UnavailableError("The answer to the create call was lost");
  }

  delete(vm: FakeVm): void {
    vm.delete(this.knobs.deletion);
    this.#forgetGone();
  }

  #make(spec: VmSpec): FakeVm {
    const { capacity, boot, spool, silentAfter } = this.knobs;
    if (this.#vms.size >= capacity) {
      throw new CapacityError(`Cannot make VM ${spec.vmId}: the fake cloud has room for ${capacity} VMs`);
    }
    const vm = new FakeVm({
      instanceId: `fake-${++this.#created}`,
      address: this.#freeAddress(),
      spec,
      bootMs: boot,
      silentAfterMs: silentAfter,
      clock: this.clock,
      spoolBytes: spool,
      router: this.#router,
      onsession: (session, agent) => this.#agents.set(session, agent),
    });
    this.#vms.set(vm.instanceId, vm);
    return vm;
  }

  #ignoresToken(): boolean {
    const ignores = this.ignoreTokenOnce;
    this.ignoreTokenOnce = false;
    return ignores;
  }

  /** Counts on, so that an address is not used again soon. */
  #freeAddress(): string {
    for (let i = 0; i < ADDRESSES; i++) {
      const value = FIRST_ADDRESS + (this.#created + i) % ADDRESSES;
      const address = [24, 16, 8, 0].map((shift) => value >>> shift & 0xff).join(".");
      if (this.#addresses.has(address)) continue;
      this.#addresses.add(address);
      return address;
    }
    throw new CapacityError(`Cannot make a VM: all ${ADDRESSES} addresses of the fake cloud are in use`);
  }

  #forgetGone(): void {
    for (const vm of this.#vms.values()) {
      if (vm.gone) this.#forget(vm);
    }
  }

  #forget(vm: FakeVm): void {
    this.#vms.delete(vm.instanceId);
    for (const address of vm.describe().addresses) this.#addresses.delete(address);
  }
}
