// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../lib/clock.ts";
import { deadline, untilAborted } from "../lib/deadline.ts";
import { TimeoutError } from "../lib/errors.ts";
import type { RpcContext } from "./rpc_context.ts";

/** Before the caller's own deadline, so that it gets our words and not only that the deadline has passed. */
const EARLY_MS = 1_000;

/**
 * Waits for work that goes on by itself, as long as the caller does.
 *
 * @param describe What to say if the work takes longer than the caller waits
 * @throws {TimeoutError} with these words, shortly before the caller's deadline
 */
export async function answerEarly<T>(
  clock: Clock,
  ctx: RpcContext,
  work: Promise<T>,
  describe: () => string,
): Promise<T> {
  if (ctx.deadline === undefined) return await untilAborted(work, ctx.signal);
  const left = Math.max(0, ctx.deadline - clock.now() - EARLY_MS);
  using limit = deadline(left, { clock, parents: [ctx.signal], what: "The call" });
  try {
    return await untilAborted(work, limit.signal);
  } catch (error) {
    if (error !== limit.signal.reason || ctx.signal.aborted) throw error;
    throw new TimeoutError(describe(), { cause: error });
  }
}
