// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Status codes of gRPC, used by CRI and by the agent link alike.
 * Numbers: gRPC's `doc/statuscodes.md`.
 */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

const NAMES = Object.fromEntries(Object.entries(Code).map(([name, code]) => [code, name]));

/** The name of a status code, `CODE_<n>` for a number that gRPC does not define. */
export function codeName(code: number): string {
  return NAMES[code] ?? `CODE_${code}`;
}

export interface Status {
  readonly code: Code;
  readonly message: string;
}

/** A call that ended with a status other than OK, seen from either side of it. */
export class RpcError extends Error implements Status {
  override readonly name = "RpcError";
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The one way from any error to a status. In order: an {@linkcode RpcError} is itself; an error with a numeric
 * `grpcCode` (the classes of `lib/errors.ts`) has that code; an `AbortError` is CANCELLED; a `TimeoutError`
 * is DEADLINE_EXCEEDED; everything else is INTERNAL. The message is kept, because the kubelet shows it to people.
 */
export function toStatus(error: unknown): Status {
  if (error instanceof RpcError) return { code: error.code, message: error.message };
  if (!(error instanceof Error)) return { code: Code.INTERNAL, message: String(error) };
  const grpcCode = (error as { grpcCode?: unknown }).grpcCode;
  if (typeof grpcCode === "number" && grpcCode in NAMES && grpcCode !== Code.OK) {
    return { code: grpcCode as Code, message: error.message };
  }
  if (error.name === "AbortError") return { code: Code.CANCELLED, message: error.message };
  if (error.name === "TimeoutError") return { code: Code.DEADLINE_EXCEEDED, message: error.message };
  return { code: Code.INTERNAL, message: error.message };
}
