// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { InvalidArgumentError } from "../../lib/errors.ts";
import type { UserData } from "../../protocol/user_data.ts";
import { readCertificate } from "./certificate.ts";
import { createCsr } from "./csr.ts";
import { enrol } from "./enrol.ts";
import type { IdentityFile, SignedIdentity } from "./identity.ts";
import { importKeyPair } from "./key.ts";
import { decodePem } from "./pem.ts";

const logger = getLogger(["vmserver", "link"]);

export interface FirstCertificateOptions {
  readonly userData: UserData;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly enrolTimeoutMs?: number;
  /** Called before each connection to the node, if it has to be asked. */
  readonly onconnect?: () => void;
}

/**
 * The VM's identity: from its disk, or by enrolment. Can be cut off and begun again at any point.
 * @throws {InvalidArgumentError} if there is no certificate and no token to get one with; and as `enrol`
 */
export async function openIdentity(
  file: IdentityFile,
  options: FirstCertificateOptions,
  signal: AbortSignal,
): Promise<SignedIdentity> {
  const { userData: { vmId, joinToken, caCertificate, nodes }, clock, random = Math.random } = options;
  const identity = await file.open(caCertificate);
  const { certificate } = identity;
  if (certificate !== null) {
    warnIfNotValid(certificate, clock.now());
    return { ...identity, certificate };
  }
  if (joinToken === undefined) {
    throw new InvalidArgumentError(
      `VM ${vmId} has no certificate and its user data no join token to get one with`,
    );
  }
  const csr = await createCsr(await importKeyPair(identity.key), vmId);
  const { enrolTimeoutMs: timeoutMs, onconnect } = options;
  const request = {
    vmId,
    joinToken,
    csr,
    nodes,
    clock,
    random,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onconnect && { onconnect }),
    authorities: identity.authorities,
  };
  const issued = await file.store(identity, await enrol(request, signal));
  logger.info("VM {vmId} is enrolled", { vmId });
  return issued;
}

/** The node decides, by its own clock. This says what to look at if it refuses. */
function warnIfNotValid(pem: string, now: number): void {
  const { notBefore, notAfter } = readCertificate(decodePem(pem));
  if (now >= notBefore && now < notAfter) return;
  logger.warn("Certificate of this VM is valid from {from} to {to}, its clock says {now}", {
    from: new Date(notBefore).toISOString(),
    to: new Date(notAfter).toISOString(),
    now: new Date(now).toISOString(),
  });
}
