// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The contract between the node process and whatever makes virtual machines. `suite.ts` is this contract as tests.
 *
 * Errors are part of it: a provider throws the classes of `lib/errors.ts` (NotFoundError, CapacityError, QuotaError,
 * UnauthorizedError, UnavailableError ...) and maps its cloud's codes in its own `errors.ts` only.
 * @module
 */
import type { Transport } from "../protocol/link/transport.ts";

/** What a VM is asked to be. */
export interface VmSpec {
  /** Our id of the VM: its certificate's name, its tag, its directory. Lower-case hex, 32 digits. */
  readonly vmId: string;
  /** Idempotency token: the same token never makes a second VM. */
  readonly token: string;
  /** Tags by which the VM is found again. */
  readonly tags: VmTags;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** The VM image by the name that the profile gives it. Empty where a provider has only one. */
  readonly image: string;
  /** Text for the agent (`protocol/user_data.ts`). Holds a secret: it never reaches a log. */
  readonly userData: string;
  /** cgroup of the pod on this node, for providers whose VMs are processes here. Empty if there is none. */
  readonly cgroupParent: string;
}

export interface VmTags {
  readonly cluster: string;
  readonly node: string;
  readonly vmId: string;
  /** Empty while the VM is not bound to a sandbox. */
  readonly sandboxId: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

export type VmState = "pending" | "running" | "stopping" | "stopped";

/** A VM as its provider sees it. */
export interface Vm {
  /** The provider's own id (`i-0abc…`, a directory name). Only this provider reads it. */
  readonly instanceId: string;
  readonly state: VmState;
  readonly tags: VmTags;
  /** IP addresses, the pod's first. May be empty while pending. */
  readonly addresses: readonly string[];
}

export interface PodProvider {
  readonly name: string;
  /** A VM costs money from its creation on: the intent is on the disk before the call, also against a power cut. */
  readonly costsMoney?: boolean;

  /**
   * Makes a VM and starts it. Idempotent by `spec.token`: a second call with the same token answers the VM of the first,
   * also in another process after a crash in the middle. Tags VM, disk and address in the same act where it can.
   * When the signal aborts, a VM may exist: the caller finds it by `list` and deletes it.
   *
   * @throws {CapacityError} no room now; {@linkcode QuotaError} the account forbids it; {@linkcode UnavailableError} try again
   */
  create(spec: VmSpec, signal: AbortSignal): Promise<Vm>;

  /** Every VM with the tags of this cluster and node, whatever its state, except those that are deleted. */
  list(signal: AbortSignal): Promise<Vm[]>;

  /** @throws {NotFoundError} when it is gone: then nothing of it is left */
  describe(instanceId: string, signal: AbortSignal): Promise<Vm>;

  /**
   * Deletes the VM with everything that belongs to it. That deletion has started is enough to return; the caller calls
   * again until `describe` says NotFoundError. An unknown id is no error.
   */
  delete(instanceId: string, signal: AbortSignal): Promise<void>;

  /** Stops what the provider runs in this process. VMs live on. */
  close(): Promise<void>;

  // Optional abilities. Absent means that the provider cannot do it.

  /** Tells the provider which sandbox a VM from a pool now is. */
  readonly bind?: (
    instanceId: string,
    sandboxId: string,
    cgroupParent: string,
    signal: AbortSignal,
  ) => Promise<void>;
  /** The last bytes of the VM's console, for error messages and `vm console`. */
  readonly console?: (instanceId: string, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array>;
  /**
   * A transport for the agent link that is bound to this VM by construction (a virtio-serial port, memory), so that it
   * needs neither network nor enrolment. Called once a session: it waits for the agent's end.
   */
  readonly localLink?: (instanceId: string, signal: AbortSignal) => Promise<Transport>;
}
