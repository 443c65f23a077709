// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Flags of V8 with which our programs run, as `--v8-flags` of `deno run` and `deno compile`. They cannot be set later.
 *
 * V8 lets the part of its heap for new objects grow to three times 16 MiB and does not give it back for a long time.
 * That is most of what an idle program of ours holds beyond Deno itself, and none of them needs it: `docs/benchmarks.md`.
 */
export const V8_FLAGS = {
  infranetes: "--max-semi-space-size=4",
  /** The agent and its monitors. */
  vmserver: "--max-semi-space-size=1",
} as const;
