// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { UnavailableError } from "../../lib/errors.ts";
import type { Settings } from "../state/facts.ts";

const SETTING = "link_port";
/** Below what Linux gives to outgoing connections (32768 and up), which could take a port while the node is down. */
const LEAST = 20_000;
const GREATEST = 32_000;
const TRIES = 50;

/**
 * The port of a node whose configuration leaves it open: a free one at the first start, then always the same, because
 * the agents of running VMs know it. It is a fact as soon as something listens there.
 *
 * @throws {UnavailableError} if the kept port is taken: another one would cut off the VMs that run
 */
export async function listenOnKeptPort<T>(
  settings: Settings,
  random: () => number,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  const kept = settings.get(SETTING);
  if (kept !== undefined) return await listen(Number(kept));
  let last: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = LEAST + Math.floor(random() * (GREATEST - LEAST));
    try {
      const listening = await listen(port);
      settings.set(SETTING, String(port));
      return listening;
    } catch (error) {
      // Only a port that is taken makes another one worth a try.
      if (!(error instanceof UnavailableError)) throw error;
      last = error;
    }
  }
  throw new UnavailableError(`None of ${TRIES} ports between ${LEAST} and ${GREATEST} could be listened on`, {
    cause: last,
  });
}
