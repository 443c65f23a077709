// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { Node } from "../../protocol/gen/agent_pb.ts";
import type { Session } from "../../protocol/link/session.ts";
import { readCertificate } from "./certificate.ts";
import { createCsr } from "./csr.ts";
import type { IdentityFile, SignedIdentity } from "./identity.ts";
import { importKeyPair } from "./key.ts";
import { decodePem } from "./pem.ts";

const logger = getLogger(["vmserver", "link"]);

const CALL_TIMEOUT_MS = 30_000;
const RETRY_MS = 60_000;
/** Longest sleep before the clock is looked at again: it may have been set, or the VM suspended. */
const MAX_SLEEP_MS = 60 * 60 * 1000;

export interface RenewOptions {
  readonly file: IdentityFile;
  readonly clock: Clock;
  /** Told of each new identity, which is on the disk by then. */
  readonly onrenewed: (identity: SignedIdentity) => void;
}

/** When to ask for the next certificate: after two thirds of its life. Milliseconds since the Unix epoch. */
export function renewAt({ certificate }: SignedIdentity): number {
  const { notBefore, notAfter } = readCertificate(decodePem(certificate));
  return notBefore + (notAfter - notBefore) * 2 / 3;
}

/** Keeps the certificate fresh over this session. Resolves when the signal aborts; never rejects. */
export async function keepRenewed(
  session: Session,
  first: SignedIdentity,
  options: RenewOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, onrenewed } = options;
  const sleep = (ms: number) => clock.sleep(ms, signal).catch(() => {});
  let identity = first;
  while (!signal.aborted) {
    const wait = renewAt(identity) - clock.now();
    if (wait > 0) {
      await sleep(Math.min(wait, MAX_SLEEP_MS));
      continue;
    }
    try {
      identity = await renew(session, identity, options.file, signal);
      onrenewed(identity);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("Certificate cannot be renewed yet", { error, ends: endOf(identity) });
      await sleep(RETRY_MS);
    }
  }
}

async function renew(
  session: Session,
  identity: SignedIdentity,
  file: IdentityFile,
  signal: AbortSignal,
): Promise<SignedIdentity> {
  const csr = await createCsr(await importKeyPair(identity.key), identity.vmId);
  const issued = await session.client(Node).renew({ csr }, { signal, timeoutMs: CALL_TIMEOUT_MS });
  const renewed = await file.store(identity, issued);
  logger.info("Certificate is renewed until {ends}", { ends: endOf(renewed) });
  return renewed;
}

function endOf({ certificate }: SignedIdentity): string {
  return new Date(readCertificate(decodePem(certificate)).notAfter).toISOString();
}
