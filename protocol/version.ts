// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** A range of protocol versions, both ends included. */
export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

/** Versions of `agent.proto`'s services that this program speaks: N and N-1, once there is a 2. */
export const PROTOCOL: VersionRange = { oldest: 1, newest: 1 };

/** The newest version that both speak, undefined if there is none. */
export function commonVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const newest = Math.min(ours.newest, theirs.newest);
  return newest >= Math.max(ours.oldest, theirs.oldest) ? newest : undefined;
}
