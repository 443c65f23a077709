// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { ExitCode } from "./exit_code.ts";

/** SIGTERM does not exist on Windows: adding a listener for it throws there. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/**
 * A signal that fires at the first Ctrl-C or SIGTERM, so that the command can end in order. The second one ends the
 * process at once.
 */
export function interruptSignal(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) Deno.exit(ExitCode.INTERRUPTED);
    controller.abort(new DOMException("Interrupted", "AbortError"));
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, listener);
    },
  };
}
