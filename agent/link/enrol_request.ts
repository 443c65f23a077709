// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { UnauthorizedError, UnavailableError } from "../../lib/errors.ts";
import { ENROLL_PATH, joinProof, MAX_ENROLL_BODY } from "../../protocol/enrolment.ts";
import { EnrollRequestSchema, EnrollResponseSchema } from "../../protocol/gen/agent_pb.ts";
import type { IssuedCertificate } from "./identity.ts";
import { parseNodeAddress } from "./node_address.ts";
import { tlsProblem } from "./tls_problem.ts";

/** The node says no, and asking again will not change that: the agent ends. */
export class EnrolmentRejectedError extends UnauthorizedError {
  /** EX_NOPERM of sysexits.h: who starts the agent must not start it again at once. */
  readonly exitCode = 77;
}

export interface EnrolmentRequest {
  readonly node: string;
  readonly vmId: string;
  readonly joinToken: string;
  readonly csr: Uint8Array;
  /** PEM. Nobody else is trusted: a list given to node:tls replaces Deno's own. */
  readonly authorities: readonly string[];
  /** The VM's clock, for messages. */
  readonly now: number;
  /** Called when everything is ready to connect. */
  readonly onconnect?: () => void;
}

/** Statuses with which the node asks to try again: time-out and too many requests. */
const TRY_AGAIN: readonly number[] = [408, 429];

/**
 * Asks one address of the node for a certificate, over one connection: the proof covers the fingerprint of the
 * certificate that was seen on it, which Deno shows in node:tls only. That is loaded here, once in the life of a VM.
 *
 * @throws {EnrolmentRejectedError}; {@linkcode UnavailableError} with the reason if trying again may help
 */
export async function requestEnrolment(
  request: EnrolmentRequest,
  signal: AbortSignal,
): Promise<IssuedCertificate> {
  const { status, body } = await exchange(request, signal);
  if (status === 200) {
    const { certificate, authorities } = fromBinary(EnrollResponseSchema, body);
    return { certificate, authorities };
  }
  const said = new TextDecoder().decode(body).trim();
  if (status >= 400 && status < 500 && !TRY_AGAIN.includes(status)) {
    throw new EnrolmentRejectedError(
      `Node at ${request.node} does not enrol VM ${request.vmId}: ${said} (${status})`,
    );
  }
  throw new UnavailableError(`Node answered ${status}: ${said}`);
}

interface Reply {
  readonly status: number;
  readonly body: Uint8Array;
}

async function exchange(request: EnrolmentRequest, signal: AbortSignal): Promise<Reply> {
  signal.throwIfAborted();
  const { request: send } = await import("node:https");
  request.onconnect?.();
  const address = parseNodeAddress(request.node);
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const outgoing = send({
    ...address,
    path: ENROLL_PATH,
    method: "POST",
    ca: [...request.authorities],
    // No pool: the certificate must be that of the connection that carries the request.
    agent: false,
    headers: { "content-type": "application/x-protobuf" },
  });
  const onAbort = () => outgoing.destroy(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  outgoing.on("socket", (socket: TLSSocket) => {
    socket.once("secureConnect", () => proofOf(request, socket).then((body) => outgoing.end(body), reject));
  });
  outgoing.on("response", (response: IncomingMessage) => readReply(response).then(resolve, reject));
  outgoing.on("error", reject);
  try {
    return await promise;
  } catch (cause) {
    signal.throwIfAborted();
    throw new UnavailableError(await explain(cause as Error, request), { cause });
  } finally {
    signal.removeEventListener("abort", onAbort);
    outgoing.destroy();
  }
}

async function proofOf({ vmId, csr, joinToken }: EnrolmentRequest, socket: TLSSocket): Promise<Uint8Array> {
  const der = new Uint8Array(socket.getPeerCertificate(true).raw);
  const fingerprint = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  const proof = await joinProof(joinToken, { csr, vmId, fingerprint });
  return toBinary(EnrollRequestSchema, create(EnrollRequestSchema, { vmId, csr, proof }));
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ENROLL_BODY) {
      throw new UnavailableError(`Answer is larger than ${MAX_ENROLL_BODY} bytes`);
    }
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return { status: response.statusCode ?? 0, body };
}

async function explain(error: Error, { node, authorities, now }: EnrolmentRequest): Promise<string> {
  const code = (error as { code?: unknown }).code;
  // Errors of the network have system codes; what is left is about the certificate.
  const isNetwork = typeof code === "string" && /^E[A-Z]+$/.test(code);
  const problem = isNetwork ? undefined : await tlsProblem(parseNodeAddress(node), authorities, now);
  return problem ?? error.message;
}
