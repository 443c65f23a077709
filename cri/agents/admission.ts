// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { isIPv6 } from "node:net";

/** What peers may cost the node before it knows who they are. */
export interface AdmissionLimits {
  /** Connections of unknown peers at a time. @default 512 */
  readonly total: number;
  /** The same from one address. Many VMs may be behind one. @default 256 */
  readonly perSource: number;
  /** Connections a second from one address that end without a VM having been recognised. @default 50 */
  readonly failuresPerSecond: number;
  /** How many of them at once. @default 512 */
  readonly failureBurst: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = {
  total: 512,
  perSource: 256,
  failuresPerSecond: 50,
  failureBurst: 512,
};

/** Addresses whose budgets are remembered. */
const MAX_SOURCES = 10_000;

/** A connection of a peer that is not known yet. */
export interface Ticket {
  /** The peer is an agent: its connection does not count any more and costs its address nothing. */
  recognised(): void;
  /** The connection is closed. To be called in any case. */
  closed(): void;
}

interface Source {
  readonly name: string;
  /** In the order in which they came. */
  readonly open: Map<object, () => void>;
  tokens: number;
  refilledAt: number;
}

/**
 * Who may have a connection before authentication.
 *
 * When there are too many, the oldest of the address that has most is closed rather than the newest refused: an honest
 * peer is done within a fraction of a second, so idle ones can be any number and keep nobody out. An address whose
 * connections come to nothing too often is refused for a while before the costly handshake begins.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #sources = new Map<string, Source>();
  #open = 0;

  /** @param now milliseconds of a clock that is never set back */
  constructor(limits: Partial<AdmissionLimits> = {}, now: () => number = () => performance.now()) {
    this.#limits = { ...DEFAULT_ADMISSION, ...limits };
    this.#now = now;
  }

  /** Connections of unknown peers. */
  get open(): number {
    return this.#open;
  }

  get sources(): number {
    return this.#sources.size;
  }

  /**
   * @param address the peer's IP address
   * @param evict closes the connection; called at most once, if others need its place
   * @returns undefined if the connection is to be closed at once
   */
  admit(address: string, evict: () => void): Ticket | undefined {
    const source = this.#source(sourceOf(address));
    if (source.tokens < 1) return undefined;
    source.tokens -= 1;
    if (source.open.size >= this.#limits.perSource) this.#evictOldest(source);
    else if (this.#open >= this.#limits.total) this.#evictOldest(this.#greatest());
    const id = {};
    source.open.set(id, evict);
    this.#open += 1;
    const leave = () => this.#leave(source, id);
    return {
      recognised: () => {
        if (leave()) source.tokens = Math.min(source.tokens + 1, this.#limits.failureBurst);
      },
      closed: () => void leave(),
    };
  }

  #leave(source: Source, id: object): boolean {
    if (!source.open.delete(id)) return false;
    this.#open -= 1;
    return true;
  }

  #evictOldest(source: Source): void {
    for (const [id, evict] of source.open) {
      this.#leave(source, id);
      return evict();
    }
  }

  #greatest(): Source {
    let greatest: Source | undefined;
    for (const source of this.#sources.values()) {
      if (source.open.size > (greatest?.open.size ?? 0)) greatest = source;
    }
    return greatest!;
  }

  #source(name: string): Source {
    const now = this.#now();
    const { failuresPerSecond, failureBurst } = this.#limits;
    const source = this.#sources.get(name) ??
      { name, open: new Map(), tokens: failureBurst, refilledAt: now };
    source.tokens = Math.min(
      failureBurst,
      source.tokens + (now - source.refilledAt) / 1000 * failuresPerSecond,
    );
    source.refilledAt = now;
    // To the end of the map: whoever was not seen for longest is forgotten first.
    this.#sources.delete(name);
    if (this.#sources.size >= MAX_SOURCES) this.#forgetOne();
    this.#sources.set(name, source);
    return source;
  }

  #forgetOne(): void {
    for (const { name, open } of this.#sources.values()) {
      if (open.size === 0) return void this.#sources.delete(name);
    }
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
