// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Names the fact after which the process is to die; honoured only where the configuration says `unsafe: true`. */
export const CRASH_VARIABLE = "INFRANETES_CRASH_AFTER_FACT";

/**
 * A fault point for tests: what a store's `afterFact` has to be so that the process is killed, without a chance to clean
 * up, right after its `count`-th fact.
 *
 * @throws {RangeError} if the text is not a whole number from 1 on
 */
export function crashAfterFacts(text: string): (fact: string) => void {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot crash after fact '${text}': ${CRASH_VARIABLE} must be a whole number from 1 on`,
    );
  }
  let facts = 0;
  return () => {
    if (++facts === count) Deno.kill(Deno.pid, "SIGKILL");
  };
}
