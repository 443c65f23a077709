// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { untilAborted } from "../../lib/deadline.ts";
import { AlreadyExistsError } from "../../lib/errors.ts";
import type { VmSpec } from "../provider.ts";
import type { AddressRange } from "./addresses.ts";
import { freeAddress } from "./addresses.ts";
import { INIT_SCRIPT } from "./init_script.ts";
import { formatRecord, parseRecord } from "./record.ts";
import type { VmRecord } from "./record.ts";

const logger = getLogger(["infranetes", "provider", "process"]);

const VM_ID_REGEXP = /^[0-9a-f]{32}$/;
/** A directory that is being made or unmade. Both end with the process; what a crash leaves is swept at the next start. */
const UNFINISHED_REGEXP = /^\.(new|gone)-/;
/** Records read at a stretch: some 30 µs each. */
const CHUNK = 32;

/**
 * The directory in which VMs are directories. A VM exists as soon as its directory has its name, which happens in one
 * act with all its files in it, and until the directory loses that name, again in one act.
 */
export class VmStore {
  /** Where the directories are, without symbolic links. */
  readonly root: string;
  readonly #range: AddressRange;

  private constructor(root: string, range: AddressRange) {
    this.root = root;
    this.#range = range;
  }

  /** Makes the directory if need be, and removes what a crash has left unfinished. */
  static async open(path: string, range: AddressRange, signal: AbortSignal): Promise<VmStore> {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const store = new VmStore(await Deno.realPath(path), range);
    await store.#sweep(signal);
    return store;
  }

  directory(vmId: string): string {
    return join(this.root, vmId);
  }

  /** The record of the VM that this token names: an earlier one, or a new one with an address of its own. */
  async reserve(spec: VmSpec, signal: AbortSignal): Promise<VmRecord> {
    using _lock = await this.#lock(signal);
    const records = await this.all();
    const known = records.find(({ token }) => token === spec.token);
    if (known) return known;
    const taken = new Set(records.map(({ address }) => address));
    const record: VmRecord = {
      version: 1,
      token: spec.token,
      tags: { ...spec.tags },
      address: freeAddress(this.#range, taken, spec.vmId),
    };
    await this.#make(spec, record);
    return record;
  }

  /** Undefined if there is no such VM. */
  read(vmId: string): VmRecord | undefined {
    if (!VM_ID_REGEXP.test(vmId)) return undefined;
    const path = join(this.directory(vmId), "vm.json");
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    const record = parseRecord(text);
    if (!record) logger.error("Cannot read {path}: it is not the record of a VM", { path });
    return record;
  }

  /** VMs whose record cannot be read: a power failure may have come before it was on the disk. */
  async broken(): Promise<string[]> {
    return (await this.#names()).filter((name) => VM_ID_REGEXP.test(name) && !this.read(name));
  }

  /** The records of all VMs. */
  async all(): Promise<VmRecord[]> {
    const names = await this.#names();
    const records: VmRecord[] = [];
    for (let i = 0; i < names.length; i += CHUNK) {
      records.push(...names.slice(i, i + CHUNK).flatMap((name) => this.read(name) ?? []));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return records;
  }

  /** From now on nothing of the VM is started. False if there is no such VM. */
  markStopped(vmId: string): boolean {
    if (!VM_ID_REGEXP.test(vmId)) return false;
    try {
      Deno.writeTextFileSync(join(this.directory(vmId), "stop"), "");
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  isMarkedStopped(vmId: string): boolean {
    return readIfThere(join(this.directory(vmId), "stop")) !== undefined;
  }

  /** Removes the VM's directory. Nothing of the VM may run any more. */
  async remove(vmId: string): Promise<void> {
    const unfinished = join(this.root, `.gone-${vmId}-${crypto.randomUUID()}`);
    try {
      await Deno.rename(this.directory(vmId), unfinished);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    await removeTree(unfinished);
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    using _lock = await this.#lock(signal);
    for (const name of (await this.#names()).filter((each) => UNFINISHED_REGEXP.test(each))) {
      const path = join(this.root, name);
      logger.info("Removing {path}, which a crash has left unfinished", { path });
      await removeTree(path);
    }
  }

  async #names(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.root))).map(({ name }) => name);
  }

  async #make({ vmId, userData }: VmSpec, record: VmRecord): Promise<void> {
    const unfinished = join(this.root, `.new-${vmId}`);
    await removeTree(unfinished);
    try {
      await Deno.mkdir(join(unfinished, "agent"), { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(join(unfinished, "user-data.json"), userData, { mode: 0o600 });
      await Deno.writeTextFile(join(unfinished, "init.sh"), INIT_SCRIPT, { mode: 0o600 });
      await Deno.writeTextFile(join(unfinished, "vm.json"), formatRecord(record), { mode: 0o600 });
      await this.#publish(unfinished, vmId);
    } catch (error) {
      await removeTree(unfinished);
      throw error;
    }
  }

  /** Fails if a directory of that name exists, because it is not empty. */
  async #publish(unfinished: string, vmId: string): Promise<void> {
    try {
      await Deno.rename(unfinished, this.directory(vmId));
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw cause;
      throw new AlreadyExistsError(`VM ${vmId} exists already and was made with another token`, { cause });
    }
  }

  /** Held by one process and one caller at a time; the system lets go of it when the process dies. */
  async #lock(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const file = await Deno.open(join(this.root, "lock"), { create: true, write: true, mode: 0o600 });
    const locked = file.lock(true);
    try {
      await untilAborted(locked, signal);
    } catch (error) {
      // Nothing takes back a request for a lock: the file is closed when it was granted, or refused.
      const close = () => file.close();
      void locked.then(close, close);
      throw error;
    }
    return { [Symbol.dispose]: () => file.close() };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
