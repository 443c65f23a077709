// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { deadline } from "../../lib/deadline.ts";
import { UnavailableError } from "../../lib/errors.ts";
import { retryDelay } from "./backoff.ts";
import { EnrolmentRejectedError, requestEnrolment } from "./enrol_request.ts";
import type { IssuedCertificate } from "./identity.ts";

const logger = getLogger(["vmserver", "link"]);

export interface EnrolOptions {
  readonly vmId: string;
  readonly joinToken: string;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  readonly authorities: readonly string[];
  /** `host:port`, in the order in which to try them. */
  readonly nodes: readonly string[];
  readonly clock: Clock;
  readonly random: () => number;
  /** For all attempts together. @default 10 minutes */
  readonly timeoutMs?: number;
  /** Called before each connection. */
  readonly onconnect?: () => void;
}

const ENROL_TIMEOUT_MS = 10 * 60 * 1000;
const ATTEMPT_TIMEOUT_MS = 20_000;

/**
 * Gets this VM's first certificate: asks the node's addresses in turn, again and again, until one answers.
 *
 * @throws {EnrolmentRejectedError} as soon as the node says no; {@linkcode UnavailableError} if it could not be reached
 * in time, with what each address said last
 */
export async function enrol(options: EnrolOptions, signal: AbortSignal): Promise<IssuedCertificate> {
  const { clock, random, vmId, timeoutMs = ENROL_TIMEOUT_MS } = options;
  using limit = deadline(timeoutMs, { clock, what: "Enrolment", parents: [signal] });
  const reasons = new Map<string, string>();
  try {
    for (let failures = 1;; failures++) {
      const issued = await askEach(options, reasons, limit.signal);
      if (issued) return issued;
      await clock.sleep(retryDelay(failures, random()), limit.signal);
    }
  } catch (error) {
    if (error instanceof EnrolmentRejectedError || signal.aborted) throw error;
    if (!limit.signal.aborted) throw error;
    const said = [...reasons].map(([node, reason]) => `${node}: ${reason}`).join("; ") || "no answer";
    throw new UnavailableError(`VM ${vmId} could not enrol within ${timeoutMs / 1000} s (${said})`, {
      cause: error,
    });
  }
}

async function askEach(
  options: EnrolOptions,
  reasons: Map<string, string>,
  signal: AbortSignal,
): Promise<IssuedCertificate | undefined> {
  for (const node of options.nodes) {
    using limit = deadline(ATTEMPT_TIMEOUT_MS, {
      clock: options.clock,
      what: "The node's answer",
      parents: [signal],
    });
    try {
      return await requestEnrolment({ ...options, node, now: options.clock.now() }, limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EnrolmentRejectedError) throw error;
      const reason = (error as Error).message;
      // Once for each reason, not for each attempt.
      if (reasons.get(node) !== reason) logger.warn("Cannot enrol at {node} yet: {reason}", { node, reason });
      reasons.set(node, reason);
    }
  }
  return undefined;
}
