// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { configure, type LogLevel, type LogRecord } from "@logtape/logtape";

/**
 * Sends the agent's log to standard error, where the VM's journal or its provider takes it: one line a record, written at
 * once, so that an agent that is killed has told everything.
 */
export async function configureLog(lowestLevel: LogLevel): Promise<void> {
  const encoder = new TextEncoder();
  await configure({
    reset: true,
    sinks: { stderr: (record: LogRecord) => writeAll(encoder.encode(formatRecord(record))) },
    loggers: [
      { category: ["vmserver"], sinks: ["stderr"], lowestLevel },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

/** `2026-11-21T07:00:00.123Z warning link: No session with the node: …` */
export function formatRecord({ timestamp, level, category, message }: LogRecord): string {
  const text = message.map((part, index) => index % 2 === 0 ? part : formatValue(part)).join("");
  // A line a record, whatever a message holds.
  return `${new Date(timestamp).toISOString()} ${level} ${category.slice(1).join(".")}: ${
    text.replaceAll("\n", "\\n")
  }\n`;
}

function formatValue(value: unknown): string {
  if (value instanceof Error) {
    return value.cause instanceof Error ? `${value.message} (${value.cause.message})` : value.message;
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function writeAll(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch (error) {
    // Whoever read the log is gone: containers go on without it.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
