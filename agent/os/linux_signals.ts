// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Signal numbers of Linux on x86-64 and arm64 (signal(7)); other architectures number some of them differently.
 */
const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGIOT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** First real-time signal that the C library leaves to programs (glibc; musl begins one later), and the last. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;
const REAL_TIME_REGEXP = /^SIGRTM(?:IN(?:\+(\d{1,2}))?|AX(?:-(\d{1,2}))?)$/;

/** Number of a signal by its name: `SIGTERM`, `SIGRTMIN`, `SIGRTMIN+3`, `SIGRTMAX-2`. */
export function linuxSignalNumber(name: string): number | undefined {
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name];
  const match = REAL_TIME_REGEXP.exec(name);
  if (!match) return undefined;
  const found = name.startsWith("SIGRTMIN")
    ? SIGRTMIN + Number(match[1] ?? 0)
    : SIGRTMAX - Number(match[2] ?? 0);
  return found >= SIGRTMIN && found <= SIGRTMAX ? found : undefined;
}
