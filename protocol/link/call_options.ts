// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { Code, RpcError, toStatus } from "../status.ts";
import { MAX_TIMEOUT_MS } from "./payload.ts";

export interface CallOptions {
  /** Cancels the call at both ends. */
  readonly signal?: AbortSignal | undefined;
  /** The call ends with DEADLINE_EXCEEDED after this many ms, at both ends. At most 2^31 - 1. @default none */
  readonly timeoutMs?: number | undefined;
}

/** Whole milliseconds, 0 for none. Throws RangeError for what no timer can wait. */
export function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return 0;
  if (!(timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new RangeError(`Cannot call with a timeout of ${timeoutMs} ms: must be at most ${MAX_TIMEOUT_MS}`);
  }
  return Math.max(1, Math.ceil(timeoutMs));
}

/** The error of a call whose signal aborted: CANCELLED unless the reason is a timeout or carries a status itself. */
export function abortError(reason: unknown): RpcError {
  const { code, message } = toStatus(reason);
  return new RpcError(code === Code.INTERNAL ? Code.CANCELLED : code, message, { cause: reason });
}
