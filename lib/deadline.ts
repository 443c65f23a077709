// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "./clock.ts";
import { TimeoutError } from "./errors.ts";

/** A signal that aborts in time. Disposing of it stops its timer and lets go of its parents. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

export interface DeadlineOptions {
  readonly clock: Clock;
  /** Signals whose abort ends this one too, with their reason. */
  readonly parents?: readonly AbortSignal[];
  /** What takes too long, for the message: `Link to VM 4f…`. */
  readonly what: string;
}

/** Made once: without a reason each abort makes a DOMException with a stack, of which nobody sees anything. */
const ENDED = new Error("The deadline is not waited for any more");

/**
 * A signal that aborts after `ms` milliseconds with a {@linkcode TimeoutError}, or as soon as one of its parents does.
 * Unlike `AbortSignal.any` it holds on to a long-lived parent only until it is disposed of.
 */
export function deadline(ms: number, options: DeadlineOptions): Deadline {
  const { clock, what, parents = [] } = options;
  const controller = new AbortController();
  const timer = new AbortController();
  const follow = parents.map((parent) => linkAbort(parent, controller));
  const end = () => {
    timer.abort(ENDED);
    for (const stop of follow) stop();
  };
  controller.signal.addEventListener("abort", end, { once: true });
  if (controller.signal.aborted) end();
  clock.sleep(ms, timer.signal).then(
    () => controller.abort(new TimeoutError(`${what} did not end within ${ms / 1000} s`)),
    () => {}, // The sleep was cut short by dispose: nothing to tell.
  );
  return { signal: controller.signal, [Symbol.dispose]: end };
}

/** Aborts `controller` when `parent` aborts. Answers how to let go of the parent. */
export function linkAbort(parent: AbortSignal, controller: AbortController): () => void {
  const abort = () => controller.abort(parent.reason);
  if (parent.aborted) abort();
  else parent.addEventListener("abort", abort, { once: true });
  return () => parent.removeEventListener("abort", abort);
}

/** The promise's outcome, or the signal's reason if that comes first. The work behind the promise goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
