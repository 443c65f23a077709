// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { CapacityError, UnauthorizedError, UnavailableError } from "../../lib/errors.ts";

/** No disk, memory, process, file or inode is left: the machine is full. */
const FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "ENOMEM", "EAGAIN", "EMFILE", "ENFILE"]);

/** An error of the system as one of the contract. What has a meaning already, an abort's reason included, stays itself. */
export function toProviderError(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || error.name === "AbortError") return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && FULL_CODES.has(code)) {
    return new CapacityError(`${what}: this machine has no room (${error.message})`, { cause: error });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new UnauthorizedError(`${what}: ${error.message}`, { cause: error });
  }
  if (typeof code !== "string") return error;
  return new UnavailableError(`${what}: ${error.message}`, { cause: error });
}
