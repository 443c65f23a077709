// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { Code, codeName, toStatus } from "../../protocol/status.ts";
import { ManifestError } from "../pods/manifest_error.ts";
import type { ErrorBody, ErrorDetail } from "./api.ts";

/** HTTP's word for a status, where it has one (as gRPC's own gateway maps them). */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [Code.INVALID_ARGUMENT]: 400,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNAUTHENTICATED]: 401,
  [Code.PERMISSION_DENIED]: 403,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.ABORTED]: 409,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.CANCELLED]: 499,
  [Code.UNIMPLEMENTED]: 501,
  [Code.UNAVAILABLE]: 503,
  [Code.DEADLINE_EXCEEDED]: 504,
};

/** Any error as the client API tells it. */
export function errorDetail(error: unknown): ErrorDetail {
  const { code, message } = toStatus(error);
  const problems = error instanceof ManifestError ? error.problems : undefined;
  return { code: codeName(code), message, ...(problems ? { problems } : {}) };
}

export function errorResponse(error: unknown, status?: number): Response {
  const body: ErrorBody = { error: errorDetail(error) };
  return Response.json(body, { status: status ?? HTTP_STATUS[toStatus(error).code] ?? 500 });
}
