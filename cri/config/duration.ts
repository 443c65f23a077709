// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Milliseconds in each unit that a duration may be written in, greatest first. */
const UNITS = [["h", 3_600_000], ["m", 60_000], ["s", 1000], ["ms", 1]] as const;

/** `90s`, `1h30m`, `250ms`, `0s`: whole numbers, each unit at most once, the greatest first. */
export const DURATION_REGEXP = /^(?=\d)(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/;

/**
 * Reads a duration as Kubernetes and Go write it.
 *
 * @returns milliseconds, or undefined if the text is no duration
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_REGEXP.exec(text);
  if (!match) return undefined;
  return UNITS.reduce((sum, [, factor], index) => sum + factor * parseInt(match[index + 1] ?? "0"), 0);
}

/** The shortest text that {@linkcode parseDuration} reads as the same duration. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds));
  let text = "";
  for (const [unit, factor] of UNITS) {
    if (rest >= factor) text += `${Math.floor(rest / factor)}${unit}`;
    rest %= factor;
  }
  return text || "0s";
}
