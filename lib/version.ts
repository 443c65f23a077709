// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Version of both programs (semver): that of `deno.json`, which a test compares. */
export const VERSION = "0.1.0";
