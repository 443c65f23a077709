// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const UNITS = [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]] as const;

/** A span of time as people read it: `42s`, `5m12s`, `3h`, `2d4h`. Two units at most, the second only while it matters. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const index = UNITS.findIndex(([, factor]) => seconds >= factor);
  if (index < 0) return "0s";
  const [unit, factor] = UNITS[index]!;
  const count = Math.floor(seconds / factor);
  const next = UNITS[index + 1];
  const rest = next ? Math.floor((seconds % factor) / next[1]) : 0;
  return `${count}${unit}${next && rest > 0 && count < 10 ? `${rest}${next[0]}` : ""}`;
}
