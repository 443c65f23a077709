// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Model } from "../state/model.ts";

/**
 * Resolves as soon as `condition` answers something, with that; asks now and after each change of the model. What it
 * throws rejects the promise.
 */
export function until<T>(
  model: Pick<Model, "subscribe">,
  condition: () => T | undefined | false,
  signal: AbortSignal,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const subscriptions = new DisposableStack();
    const end = () => {
      subscriptions.dispose();
      signal.removeEventListener("abort", abort);
    };
    const abort = () => {
      end();
      reject(signal.reason);
    };
    const check = (): boolean => {
      try {
        const result = condition();
        if (result === undefined || result === false) return false;
        resolve(result);
      } catch (error) {
        reject(error);
      }
      end();
      return true;
    };
    if (signal.aborted) return reject(signal.reason);
    if (check()) return;
    signal.addEventListener("abort", abort, { once: true });
    subscriptions.use(model.subscribe(check));
  });
}
