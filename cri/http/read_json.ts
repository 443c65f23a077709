// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { InvalidArgumentError } from "../../lib/errors.ts";

/** Kubernetes itself takes no object above 1.5 MiB (etcd's bound). */
const MAX_BODY_BYTES = 1_572_864;

/**
 * A request's body, read no further than its bound.
 *
 * @throws {InvalidArgumentError} if it is too long or no JSON
 */
export async function readJson(request: Request): Promise<unknown> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) {
      throw new InvalidArgumentError(`The body must be at most ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(await new Blob(chunks).text());
  } catch (cause) {
    throw new InvalidArgumentError(`The body must be JSON: ${(cause as Error).message}`, { cause });
  }
}
