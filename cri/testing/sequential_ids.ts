// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Ids } from "../../lib/ids.ts";

/** Ids that count: their first digits differ, as those of random ids do, and a test can tell what comes next. */
export function sequentialIds(): Ids {
  let count = 0;
  const hex = (digits: number) => (++count).toString(16).padStart(4, "0").padEnd(digits, "0");
  return { id: () => hex(64), vmId: () => hex(32), token: () => hex(32), secret: () => `secret-${++count}` };
}
