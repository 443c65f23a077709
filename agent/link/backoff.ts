// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const FIRST_MS = 400;
const LONGEST_MS = 10_000;

/**
 * How long to wait before the next attempt, in ms: at most 400 at first, then twice as much each time up to 10,000. Half
 * of it is left to chance, so that the VMs of a node that was restarted do not come all at once.
 *
 * @param failures attempts that failed in a row, 1 or more
 * @param random from 0 to 1, drawn for this call
 */
export function retryDelay(failures: number, random: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return longest / 2 + random * longest / 2;
}
