// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** The time that a session needs, as an argument, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the Unix epoch. Only shown to handlers: waiting never depends on it, because a VM's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary moment, never set back. */
  elapsed(): number;
  /** Runs `run` once after `ms` milliseconds of monotonic time, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
