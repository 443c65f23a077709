// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { getLogger } from "@logtape/logtape";
import type { Environment } from "../config/overrides.ts";

const VARIABLE = "INFRANETES_CRASH_AFTER_FACT";

/**
 * For tests: with `INFRANETES_CRASH_AFTER_FACT=<n>` the process kills itself right after its n-th recorded fact, as a
 * crash would. Only with `unsafe: true`; otherwise the variable is ignored, and told so.
 */
export function crashPoint(environment: Environment, unsafe: boolean): ((fact: string) => void) | undefined {
  const text = environment[VARIABLE];
  if (!text) return undefined;
  const logger = getLogger(["infranetes", "node"]);
  if (!unsafe || !/^\d+$/.test(text)) {
    logger.warn("{variable} is ignored: it needs a number, and unsafe: true", { variable: VARIABLE });
    return undefined;
  }
  let left = Number(text);
  return (fact) => {
    if (--left > 0) return;
    logger.warn("Killed after fact {fact}, as {variable} asks", { fact, variable: VARIABLE });
    Deno.kill(Deno.pid, "SIGKILL");
  };
}
