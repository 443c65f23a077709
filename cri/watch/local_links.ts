// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { linkAbort } from "../../lib/deadline.ts";
import type { Transport, TransportClose } from "../../protocol/link/transport.ts";
import type { PodProvider } from "../../providers/provider.ts";
import type { Node } from "../node.ts";

const logger = getLogger(["infranetes", "link"]);
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** Keeps the links of those VMs whose provider supplies the transport: takes a new one whenever the last has ended. */
export class LocalLinks {
  readonly #node: () => Node;
  readonly #keepers = new Map<string, AbortController>();

  constructor(node: () => Node) {
    this.#node = node;
  }

  /** Begins to keep the VM's link, once. Does nothing where the VM calls home by itself. */
  keep(vmId: string, provider: PodProvider, instanceId: string): void {
    if (!provider.localLink || this.#keepers.has(vmId)) return;
    const node = this.#node();
    const controller = new AbortController();
    this.#keepers.set(vmId, controller);
    node.tasks.start(`local link of VM ${vmId}`, async () => {
      const stop = linkAbort(node.signal, controller);
      try {
        await keepLink(node, vmId, (signal) => provider.localLink!(instanceId, signal), controller.signal);
      } finally {
        stop();
        if (this.#keepers.get(vmId) === controller) this.#keepers.delete(vmId);
      }
    });
  }

  /** Lets go of a VM that is being deleted. */
  stop(vmId: string): void {
    this.#keepers.get(vmId)?.abort();
    this.#keepers.delete(vmId);
  }
}

async function keepLink(
  node: Node,
  vmId: string,
  open: (signal: AbortSignal) => Promise<Transport>,
  signal: AbortSignal,
): Promise<void> {
  let delay = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      const transport = new ObservedTransport(await open(signal));
      const since = node.clock.now();
      node.agents.attach(vmId, transport);
      await transport.ended(signal);
      // One that lasted was a good one: the next is tried soon.
      if (node.clock.now() - since > LONGEST_DELAY_MS) delay = FIRST_DELAY_MS;
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("Local link of VM {vmId} could not be opened", { vmId, error });
    }
    await node.clock.sleep(delay, signal).catch(() => {});
    delay = Math.min(delay * 2, LONGEST_DELAY_MS);
  }
}

/** A transport that also tells somebody else than its session when it has ended. */
class ObservedTransport implements Transport {
  readonly #inner: Transport;
  readonly #ended = Promise.withResolvers<void>();
  onclose: ((why: TransportClose) => void) | null = null;

  constructor(inner: Transport) {
    this.#inner = inner;
    inner.onclose = (why) => {
      this.onclose?.(why);
      this.#ended.resolve();
    };
  }

  /** Resolves when the transport is closed; closes it when the signal aborts. */
  async ended(signal: AbortSignal): Promise<void> {
    const close = () => this.#inner.close(1000, "The VM is let go");
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
    await this.#ended.promise;
    signal.removeEventListener("abort", close);
  }

  get onframe() {
    return this.#inner.onframe;
  }

  set onframe(handler: Transport["onframe"]) {
    this.#inner.onframe = handler;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#inner.send(frame);
  }

  close(code: number, reason: string): void {
    this.#inner.close(code, reason);
  }
}
