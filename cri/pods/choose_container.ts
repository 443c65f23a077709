// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { NotFoundError } from "../../lib/errors.ts";

/**
 * The container that is meant: the one named, or the only one.
 *
 * @throws {NotFoundError} naming those that there are
 */
export function chooseContainer(names: readonly string[], wanted: string | undefined, pod: string): string {
  if (wanted === undefined && names.length === 1) return names[0]!;
  if (wanted === undefined) {
    throw new NotFoundError(`Pod ${pod} has several containers: name one of ${names.join(", ")}`);
  }
  if (names.includes(wanted)) return wanted;
  throw new NotFoundError(`Pod ${pod} has no container "${wanted}": there are ${names.join(", ")}`);
}
