// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isIPv6 } from "node:net";
import { Budgets } from "./budgets.ts";

/** What peers may cost the node before it knows who they are. */
export interface AdmissionLimits {
  /** Connections of unknown peers at a time. @default 512 */
  readonly total: number;
  /** The same from one address. Many VMs may be behind one. @default 256 */
  readonly perSource: number;
  /** Connections a second from one address that end without a VM having been recognised. @default 50 */
  readonly failuresPerSecond: number;
  /** How many of them at once. @default 1,024 */
  readonly failureBurst: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = {
  total: 512,
  perSource: 256,
  failuresPerSecond: 50,
  failureBurst: 1024,
};

/** A connection of a peer that is not known yet. */
export interface Ticket {
  /** The peer is an agent: its connection does not count any more and costs its address nothing. */
  recognised(): void;
  /** The connection is closed. To be called in any case. */
  closed(): void;
}

/** How to close each connection, in the order in which they came. */
type Open = Map<object, () => void>;

/**
 * Who may have a connection before authentication.
 *
 * When there are too many, the oldest of the address that has most is closed rather than the newest refused: an honest
 * peer is done within a fraction of a second, so idle ones can be any number and keep nobody out. An address whose
 * connections come to nothing too often is refused for a while before the costly handshake begins.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #budgets: Budgets;
  readonly #sources = new Map<string, Open>();
  #open = 0;

  /** @param now milliseconds of a clock that is never set back */
  constructor(limits: Partial<AdmissionLimits> = {}, now: () => number = () => performance.now()) {
    this.#limits = { ...DEFAULT_ADMISSION, ...limits };
    const { failuresPerSecond, failureBurst } = this.#limits;
    this.#budgets = new Budgets({ perSecond: failuresPerSecond, burst: failureBurst, now });
  }

  /** Connections of unknown peers. */
  get open(): number {
    return this.#open;
  }

  /**
   * @param address the peer's IP address
   * @param evict closes the connection; called at most once, if others need its place
   * @returns undefined if the connection is to be closed at once
   */
  admit(address: string, evict: () => void): Ticket | undefined {
    const source = sourceOf(address);
    if (!this.#budgets.take(source)) return undefined;
    if ((this.#sources.get(source)?.size ?? 0) >= this.#limits.perSource) this.#evictOldest(source);
    else if (this.#open >= this.#limits.total) this.#evictOldest(this.#greatest());
    const id = {};
    const open = this.#sources.get(source) ?? new Map();
    this.#sources.set(source, open.set(id, evict));
    this.#open += 1;
    return {
      recognised: () => {
        if (this.#leave(source, id)) this.#budgets.giveBack(source);
      },
      closed: () => void this.#leave(source, id),
    };
  }

  #leave(source: string, id: object): boolean {
    const open = this.#sources.get(source);
    if (!open?.delete(id)) return false;
    if (open.size === 0) this.#sources.delete(source);
    this.#open -= 1;
    return true;
  }

  #evictOldest(source: string): void {
    for (const [id, evict] of this.#sources.get(source) ?? []) {
      this.#leave(source, id);
      return evict();
    }
  }

  #greatest(): string {
    let [greatest, most] = ["", 0];
    for (const [source, { size }] of this.#sources) {
      if (size > most) [greatest, most] = [source, size];
    }
    return greatest;
  }
}

/** Whoever has one IPv6 address has a /64 of them. IPv4 may come mapped into IPv6. */
function sourceOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - groups.length - after.length)).fill("0");
  return [...groups, ...zeros, ...after].slice(0, 4).join(":").toLowerCase();
}
