// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Why a session ended, as a WebSocket close code. Only 1000 and 3000-4999 can be given by Deno's native client
 * (RFC 6455 §7.4.2 leaves 4000-4999 to applications).
 */
export const CloseCode = {
  /** Asked for by the program on one side. */
  NORMAL: 1000,
  /** The transport broke or was closed without a reason of ours. */
  LOST: 4000,
  /** A frame that no correct peer sends. */
  PROTOCOL_ERROR: 4001,
  /** More bytes than the credit given. */
  CREDIT_EXCEEDED: 4002,
  /** More calls or control frames than any correct peer makes. */
  FLOOD: 4003,
  /** Nothing heard for longer than the keep-alive allows. */
  SILENT: 4004,
  /** The peer does not take what it is sent. */
  NOT_READING: 4005,
  /** No common version of the link protocol. */
  VERSION: 4006,
  /** A newer session of the same VM took this one's place. */
  SUPERSEDED: 4007,
  /** A defect on the side that closed. */
  INTERNAL: 4008,
} as const;

/** How a session ended. A `code` that is not in {@linkcode CloseCode} came from the transport or a newer peer. */
export interface SessionEnd {
  readonly code: number;
  /** One sentence for people. */
  readonly reason: string;
  readonly by: "local" | "peer" | "transport";
}

/** The name of a close code, `CLOSE_<n>` for one that is not ours. */
export function closeCodeName(code: number): string {
  const found = Object.entries(CloseCode).find(([, value]) => value === code);
  return found ? found[0] : `CLOSE_${code}`;
}
