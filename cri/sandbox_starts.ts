// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { deadline } from "../lib/deadline.ts";
import { UnavailableError } from "../lib/errors.ts";
import { answerEarly } from "./early_answer.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import { startSandbox } from "./sandbox_start.ts";
import { StartProgress } from "./start_progress.ts";

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
    await answerEarly(this.#node().clock, ctx, this.begin(id), () => {
      const progress = this.#starts.get(id)?.progress.describe() ?? "at its end";
      return `Sandbox ${id} is still ${progress}: it goes on, the next call joins it`;
    });
  }

  /** Ends a start and resolves when it has let go; its sandbox is then being taken back. */
  async cancel(id: string, reason: Error): Promise<void> {
    const start = this.#starts.get(id);
    if (!start) return;
    start.controller.abort(reason);
    await start.done.catch(() => {});
  }

  /** Where the start of a sandbox is, while it is under way. */
  progressOf(id: string): StartProgress | undefined {
    return this.#starts.get(id)?.progress;
  }

  /** Whether this start is under way. */
  has(id: string): boolean {
    return this.#starts.has(id);
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
