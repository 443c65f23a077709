// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { setImmediate } from "node:timers/promises";
import { deadline, linkAbort, untilAborted } from "../lib/deadline.ts";
import { FailedPreconditionError, TimeoutError, UnavailableError } from "../lib/errors.ts";
import { Code, toStatus } from "../protocol/status.ts";
import type { AgentLink } from "./agent_link.ts";
import type { Node } from "./node.ts";
import type { RpcContext } from "./rpc_context.ts";
import type { SandboxEntry } from "./state/sandbox_entry.ts";

/** Before the caller's own deadline, so that it gets our words and not its own "deadline exceeded". */
const MARGIN_MS = 1000;

/**
 * The session with a sandbox's agent, waited for as long as the caller waits.
 * @throws {UnavailableError} if there is none by then
 */
export async function linkOf(node: Node, sandbox: SandboxEntry, ctx: RpcContext): Promise<AgentLink> {
  const left = ctx.deadline === undefined
    ? node.config.timeouts.call
    : ctx.deadline - node.clock.now() - MARGIN_MS;
  const parents = [ctx.signal, node.signal];
  const what = `Waiting for VM ${sandbox.facts.vmId}`;
  using limit = deadline(Math.max(0, left), { clock: node.clock, parents, what });
  return await nextLink(node, sandbox, limit.signal);
}

/**
 * Calls a sandbox's agent, again in the next session if a session ends under the call: only for calls that are the same
 * done twice.
 *
 * @throws {UnavailableError} if the signal aborts for lack of time while there is no session
 * @throws {FailedPreconditionError} if the sandbox ends meanwhile: there will be none
 */
export async function callAgent<T>(
  node: Node,
  sandbox: SandboxEntry,
  signal: AbortSignal,
  call: (link: AgentLink) => Promise<T>,
): Promise<T> {
  for (;;) {
    const link = await nextLink(node, sandbox, signal);
    let watched = false;
    try {
      // A snapshot that was made before the call and comes after its answer would lack what the call made.
      await untilAborted(node.watches.start(link, sandbox.id), signal);
      watched = true;
      return await call(link);
    } catch (error) {
      signal.throwIfAborted();
      const ofSession = !watched || toStatus(error).code === Code.UNAVAILABLE;
      if (!ofSession || !await hasEnded(link)) throw error;
    }
  }
}

/** One change of a container or of what is to become one, on its own time. */
export interface Attempt {
  /** Only one attempt at a time has it. */
  readonly key: string;
  readonly what: string;
  readonly timeoutMs: number;
}

/**
 * Does `work` on a deadline of its own: it goes on when the caller has gone, so that nothing is left half done. Whoever
 * asks for the same meanwhile waits until it is over and then finds what it made.
 */
export async function attempt<T>(
  node: Node,
  { key, what, timeoutMs }: Attempt,
  ctx: RpcContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lock = await node.containers.locks.acquire(key, ctx.signal);
  const flight = (async () => {
    using _lock = lock;
    using limit = deadline(timeoutMs, { clock: node.clock, parents: [node.signal], what });
    return await work(limit.signal);
  })();
  // The caller has the error, unless it has gone.
  node.tasks.start(
    what,
    () => flight.catch((error) => ctx.signal.aborted ? Promise.reject(error) : undefined),
  );
  return await untilAborted(flight, ctx.signal);
}

async function nextLink(node: Node, sandbox: SandboxEntry, signal: AbortSignal): Promise<AgentLink> {
  const { vmId } = sandbox.facts;
  signal.throwIfAborted();
  const link = node.agents.get(vmId);
  if (link) return link;
  const waiting = new AbortController();
  const unlink = linkAbort(signal, waiting);
  using _subscription = node.model.subscribe(() => giveUpIfEnded(sandbox, waiting));
  giveUpIfEnded(sandbox, waiting);
  try {
    return await node.agents.waitFor(vmId, waiting.signal);
  } catch (cause) {
    if (!(cause instanceof TimeoutError)) throw cause;
    throw new UnavailableError(`VM ${vmId} has no connection to its node, and none came in time: try again`, {
      cause,
    });
  } finally {
    unlink();
  }
}

function giveUpIfEnded({ id, facts }: SandboxEntry, waiting: AbortController): void {
  if (facts.stoppedAt !== null) waiting.abort(new FailedPreconditionError(`Sandbox ${id} has ended`));
}

/** A session's end and the errors of its calls come in the same turn, in any order. */
async function hasEnded(link: AgentLink): Promise<boolean> {
  return await Promise.race([link.closed.then(() => true), setImmediate(false)]);
}
