// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { deadline, untilAborted } from "../lib/deadline.ts";
import { TimeoutError, UnavailableError } from "../lib/errors.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import { startSandbox } from "./sandbox_start.ts";
import { StartProgress } from "./start_progress.ts";

/** What a caller is answered before its own deadline, so that it hears more than that it passed. */
const ANSWER_EARLY_MS = 1_000;

interface Start {
  readonly progress: StartProgress;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/**
 * The starts of sandboxes under way. A start belongs to the node, not to the call that began it: a call that ends early
 * leaves it running, and the kubelet's next call with the same key joins it.
 */
export class SandboxStarts {
  readonly #node: () => Node;
  readonly #starts = new Map<string, Start>();

  constructor(node: () => Node) {
    this.#node = node;
  }

  /** Begins the start of a sandbox whose intent is recorded, or resumes it after a crash; joins one under way. */
  begin(id: string): Promise<void> {
    const current = this.#starts.get(id);
    if (current) return current.done;
    const node = this.#node();
    const controller = new AbortController();
    const progress = new StartProgress(node.clock);
    const done = this.#run(node, id, progress, controller).finally(() => this.#starts.delete(id));
    this.#starts.set(id, { progress, controller, done });
    // Callers hear of a failure; if there is none left, the log has it already.
    node.tasks.start(`start of sandbox ${id}`, () => done.catch(() => {}));
    return done;
  }

  /**
   * Waits for the start until it ends or the caller stops waiting.
   * @throws {TimeoutError} shortly before the call's own deadline, saying in which phase the start is
   */
  async wait(id: string, ctx: RpcContext): Promise<void> {
    const node = this.#node();
    const done = this.begin(id);
    if (ctx.deadline === undefined) return await untilAborted(done, ctx.signal);
    const left = Math.max(0, ctx.deadline - node.clock.now() - ANSWER_EARLY_MS);
    using limit = deadline(left, { clock: node.clock, parents: [ctx.signal], what: "RunPodSandbox" });
    try {
      await untilAborted(done, limit.signal);
    } catch (error) {
      if (error !== limit.signal.reason || ctx.signal.aborted) throw error;
      const progress = this.#starts.get(id)?.progress.describe() ?? "at its end";
      throw new TimeoutError(`Sandbox ${id} is still ${progress}: it goes on, the next call joins it`, {
        cause: error,
      });
    }
  }

  /** Ends a start and resolves when it has let go; its sandbox is then being taken back. */
  async cancel(id: string, reason: Error): Promise<void> {
    const start = this.#starts.get(id);
    if (!start) return;
    start.controller.abort(reason);
    await start.done.catch(() => {});
  }

  /** Starts under way. */
  get size(): number {
    return this.#starts.size;
  }

  async #run(node: Node, id: string, progress: StartProgress, controller: AbortController): Promise<void> {
    using limit = deadline(node.config.timeouts.run, {
      clock: node.clock,
      parents: [node.signal, controller.signal],
      what: "The start",
    });
    await startSandbox(node, id, progress, limit.signal);
    if (node.signal.aborted) {
      throw new UnavailableError("The node process is shutting down", { cause: node.signal.reason });
    }
  }
}
