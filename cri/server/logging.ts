// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { configure, dispose, type LogRecord } from "@logtape/logtape";
import type { NodeConfig } from "../config/schema.ts";
import { formatJson, formatText } from "./log_format.ts";

/**
 * Sends the program's log to standard error. Lines are written at once and in order: a process that is killed has told
 * everything, and nothing waits in memory for a slow reader.
 */
export async function configureLogging({ level, format }: NodeConfig["log"]): Promise<AsyncDisposable> {
  const encoder = new TextEncoder();
  const formatter = format === "json" ? formatJson : formatText;
  await configure({
    reset: true,
    sinks: { stderr: (record: LogRecord) => writeAll(encoder.encode(formatter(record))) },
    loggers: [
      { category: ["infranetes"], sinks: ["stderr"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
  return { [Symbol.asyncDispose]: dispose };
}

function writeAll(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.byteLength;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch (error) {
    // Whoever read the log is gone: pods go on without it.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
