// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO"]);
/** The same by number (errno(3) of Linux): Deno 2.9 gives only some of them a code. */
const NUMBERS_REGEXP = /\(os error (?:28|122|27|5)\)$/;

/** No space, over quota, file too large, broken: the disk's business and not a defect of ours. */
export function isDiskProblem(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return CODES.has((error as { code?: unknown }).code) || NUMBERS_REGEXP.test(error.message);
}
