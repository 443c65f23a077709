// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { ERROR_FILE } from "./spec.ts";

/** Leaves a problem of the monitor itself for the agent, which says it in the container's message. */
export function noteError(error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  try {
    Deno.writeTextFileSync(ERROR_FILE, `${text}\n`, { append: true, mode: 0o600 });
  } catch {
    // The disk is full or gone: there is nobody left to tell.
  }
}
