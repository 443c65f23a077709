// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { linkAbort } from "../../lib/deadline.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { AgentLink } from "../agent_link.ts";
import type { Node } from "../node.ts";
import { awaitReturn, declareLost } from "./loss.ts";
import { VmRebootedError } from "./vm_rebooted.ts";
import { runWatch, type Watched } from "./watch.ts";

const logger = getLogger(["infranetes", "watch"]);

interface CurrentWatch {
  readonly link: AgentLink;
  readonly watched: Watched;
  /** Resolves when the first snapshot is in the model; rejects if the session ends before. */
  readonly started: Promise<void>;
}

/** The watches of all linked VMs: one a session. */
export class Watches {
  readonly #node: () => Node;
  readonly #current = new Map<string, CurrentWatch>();

  constructor(node: () => Node) {
    this.#node = node;
  }

  /** A new session. Its watch begins at once if its VM is a sandbox that runs; a starting one begins it itself. */
  onlink(link: AgentLink): void {
    const node = this.#node();
    const vm = node.model.vm(link.vmId);
    const sandbox = vm && node.model.sandbox(vm.sandboxId);
    if (!vm || !sandbox || vm.deleteIntentAt !== null) {
      return link.session.close("The VM has no sandbox on this node");
    }
    if (link.hello.sandboxId !== "" && link.hello.sandboxId !== sandbox.id) {
      logger.error("VM {vmId} says that it is another sandbox: session cut", { vmId: link.vmId });
      return link.session.close(`The VM is sandbox ${sandbox.id}`);
    }
    if (sandbox.facts.readyAt === null || sandbox.facts.stoppedAt !== null) return;
    if (link.hello.sandboxId === "") {
      return loseRebooted(
        node,
        sandbox.id,
        `VM ${link.vmId} has forgotten its sandbox: it was started again`,
      );
    }
    this.start(link, sandbox.id).catch(() => {}); // How it ended is logged by the watch itself.
  }

  /**
   * Begins the session's watch, or joins it. Resolves when the first snapshot is in the model.
   * @throws {Error} why the watch ended before
   */
  start(link: AgentLink, sandboxId: string): Promise<void> {
    const current = this.#current.get(link.vmId);
    if (current?.link === link) return current.started;
    const { promise: started, resolve, reject } = Promise.withResolvers<void>();
    started.catch(() => {});
    const watch: CurrentWatch = { link, watched: { incarnation: "" }, started };
    this.#current.set(link.vmId, watch);
    const node = this.#node();
    node.tasks.start(`watch of VM ${link.vmId}`, async () => {
      try {
        await this.#follow(node, watch, sandboxId, resolve);
      } catch (error) {
        reject(error);
      } finally {
        if (this.#current.get(link.vmId) === watch) this.#current.delete(link.vmId);
      }
      if (!node.signal.aborted) await awaitReturn(node, sandboxId);
    });
    return started;
  }

  /** Sees to it that a running sandbox is either watched or waited for. */
  ensure(sandboxId: string): void {
    const node = this.#node();
    const sandbox = node.model.sandbox(sandboxId);
    if (!sandbox) return;
    const link = node.agents.get(sandbox.facts.vmId);
    if (link) this.start(link, sandboxId).catch(() => {}); // As in onlink.
    else node.tasks.start(`return of sandbox ${sandboxId}`, () => awaitReturn(node, sandboxId));
  }

  has(vmId: string): boolean {
    return this.#current.has(vmId);
  }

  /** Which run of the agent is being watched; empty if none. */
  incarnationOf(vmId: string): string {
    return this.#current.get(vmId)?.watched.incarnation ?? "";
  }

  async #follow(node: Node, watch: CurrentWatch, sandboxId: string, onsnapshot: () => void): Promise<void> {
    const { link, watched } = watch;
    const controller = new AbortController();
    const stop = linkAbort(node.signal, controller);
    const closed = link.closed.then((end) =>
      controller.abort(new RpcError(Code.UNAVAILABLE, `Session ended: ${end.reason}`))
    );
    try {
      await runWatch({ node, link, sandboxId, watched, onsnapshot, signal: controller.signal });
    } catch (error) {
      if (node.signal.aborted) throw error;
      const expected = (node.model.vm(link.vmId)?.deleteIntentAt ?? null) !== null;
      logger[expected ? "debug" : "warn"]("Watch of VM {vmId} ended", { vmId: link.vmId, sandboxId, error });
      if (error instanceof VmRebootedError) loseRebooted(node, sandboxId, error.message);
      link.session.close(error instanceof Error ? error.message : String(error));
      await closed;
      throw error;
    } finally {
      stop();
    }
  }
}

/** Its containers are gone with its memory: what runs there now is not the pod. */
function loseRebooted(node: Node, sandboxId: string, reason: string): void {
  const sandbox = node.model.sandbox(sandboxId);
  if (!sandbox || sandbox.facts.readyAt === null) return;
  node.tasks.start(`loss of sandbox ${sandboxId}`, () => declareLost(node, sandboxId, reason));
}
