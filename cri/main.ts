// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * The node's program: `infranetes`. It is the node process (`serve`) and its client (`pod …`) in one. Whatever a command
 * needs is loaded when that command runs.
 * @module
 */
import { root } from "./cli/commands.ts";
import { dispatch } from "./cli/dispatch.ts";
import { interruptSignal } from "./cli/interrupt.ts";
import { processTerminal } from "./cli/terminal.ts";

if (import.meta.main) {
  using interrupt = interruptSignal();
  const context = { terminal: processTerminal, environment: Deno.env.toObject(), signal: interrupt.signal };
  Deno.exit(await dispatch(root, Deno.args, context));
}
