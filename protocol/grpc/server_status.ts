// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { Code, type Status, toStatus } from "../status.ts";

/**
 * Longest message of a status in UTF-16 units. Percent-encoded it is at most nine times as long and must fit in a
 * peer's header list, for which 64 KiB is a common limit; whoever shows it to people cuts it far earlier.
 */
export const MAX_STATUS_MESSAGE = 4096;

/** The status that ends a call with `error`: from {@linkcode toStatus}, in a form that a gRPC trailer can carry. */
export function serverStatus(error: unknown): { code: Code; details: string } {
  const { code, message }: Status = toStatus(error);
  return { code, details: trailerText(message) };
}

function trailerText(message: string): string {
  // grpc-js encodes with encodeURI, which throws on half of a surrogate pair, and with it would go the process.
  if (message.length <= MAX_STATUS_MESSAGE) return message.toWellFormed();
  const left = message.length - MAX_STATUS_MESSAGE;
  return `${message.slice(0, MAX_STATUS_MESSAGE)}… (${left} more characters)`.toWellFormed();
}
