// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** How `infranetes` ends. `pod exec` ends with the code of the command that it ran, once that has run. */
export const ExitCode = {
  OK: 0,
  /** What was asked for did not work. */
  FAILURE: 1,
  /** Wrong command line, configuration or manifest: the same again cannot work. */
  USAGE: 2,
  /** No node process answers at the client socket. */
  UNREACHABLE: 3,
  /** Ended by Ctrl-C: 128 + SIGINT, as shells have it. */
  INTERRUPTED: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
