// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Message } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { CallInfo, Wrapper } from "../../protocol/grpc/mod.ts";
import { Code, codeName, toStatus } from "../../protocol/status.ts";
import { redact } from "./redact.ts";

const logger = getLogger(["infranetes", "cri"]);

/** Calls that change nothing. ExecSync is one for the log: probes make it every few seconds for every container. */
const READS =
  /^(Version|Status|RuntimeConfig|ImageFsInfo|GetContainerEvents|ExecSync|List.*|Stream.*|.*Sta(tus|ts))$/;

/** Answers that a caller asks for, not failures: the kubelet tries what may be gone, probes may time out. */
const EXPECTED = new Set<number>([
  Code.NOT_FOUND,
  Code.UNIMPLEMENTED,
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
]);

/**
 * One log line for each CRI call: calls that change something at `info`, others at `debug`, failures at `warning`. The
 * request stands in it with its secrets taken out (`redact.ts`), whole at `debug`, otherwise by the ids in it.
 */
export function instrument(clock: Clock): Wrapper {
  return async (call, proceed) => {
    const begin = clock.now();
    let status: { code: number; message: string } = { code: Code.OK, message: "" };
    try {
      await proceed();
    } catch (error) {
      status = toStatus(error);
      throw error;
    } finally {
      log(call, status, clock.now() - begin);
    }
  };
}

function log(call: CallInfo, status: { code: number; message: string }, milliseconds: number): void {
  const reads = READS.test(call.method.name);
  const properties = () => ({
    method: call.method.name,
    code: codeName(status.code),
    ms: milliseconds,
    ...idsOf(call.request),
    ...(status.message ? { error: status.message } : {}),
  });
  if (status.code !== Code.OK && !(reads && EXPECTED.has(status.code))) {
    return logger.warning("{method} failed: {error}", properties());
  }
  if (!reads) logger.info("{method}", properties());
  logger.debug(
    "{method} {code}",
    () => ({ ...properties(), request: redact(call.method.input, call.request) }),
  );
}

/** What says which pod and container a request is about: ids and names, nothing else. */
export function idsOf(request: Message): Record<string, unknown> {
  const fields = request as Message & {
    podSandboxId?: string;
    containerId?: string;
    config?: { metadata?: { namespace?: string; name?: string; uid?: string; attempt?: number } };
    image?: { image?: string };
  };
  const metadata = fields.config?.metadata;
  return defined({
    sandbox: fields.podSandboxId || undefined,
    container: fields.containerId || undefined,
    namespace: metadata?.namespace,
    name: metadata?.name,
    uid: metadata?.uid,
    attempt: metadata?.attempt,
    image: typeof fields.image === "object" ? fields.image.image : undefined,
  });
}

function defined(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
