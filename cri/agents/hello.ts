// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { HelloRequest } from "../../protocol/gen/agent_pb.ts";
import { CloseCode } from "../../protocol/link/session_end.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import { commonVersion, PROTOCOL } from "../../protocol/version.ts";
import type { VmFacts } from "../state/facts.ts";

/** Why a session does not begin. The agent gets the status, then the session is closed with the code. */
export class HelloRefusal extends RpcError {
  readonly closeCode: number;

  constructor(code: Code, message: string, closeCode: number = CloseCode.PROTOCOL_ERROR) {
    super(code, message);
    this.closeCode = closeCode;
  }
}

/** What an agreed Hello changes in the VM's facts, and the protocol version to speak. */
export interface HelloOutcome {
  readonly protocol: number;
  readonly patch: Partial<Omit<VmFacts, "vmId">>;
}

/** Longest name of a version, an operating system, an engine … that an agent may tell. Real ones have a few letters. */
const MAX_TEXT = 128;
const SANDBOX_ID_REGEXP = /^([0-9a-f]{64})?$/;

/**
 * Decides whether a session may begin. Pure: the caller records the patch as one fact.
 *
 * @param row the VM's facts, undefined if there are none
 * @param keyDigest of the certificate that the session was opened with; null for a link that a provider bound to the VM
 * @throws {HelloRefusal}
 */
export function checkHello(
  request: HelloRequest,
  row: VmFacts | undefined,
  keyDigest: string | null,
  now: number,
): HelloOutcome {
  if (!row || row.deleteIntentAt !== null || row.deletedAt !== null) {
    throw new HelloRefusal(Code.NOT_FOUND, "This VM is deleted or being deleted");
  }
  checkTexts(request);
  const protocol = checkVersion(request);
  const epoch = checkEpoch(request.epoch, row.epoch);
  checkSandbox(request.sandboxId, row);
  const first = row.firstSessionAt === null ? { firstSessionAt: now, joinToken: null } : {};
  // A row that was rebuilt from the provider's tags has no key yet.
  const bound = row.boundKey === null && keyDigest !== null ? { boundKey: keyDigest } : {};
  return { protocol, patch: { epoch, bootId: request.bootId, ...first, ...bound } };
}

function checkTexts(request: HelloRequest): void {
  for (const name of ["agentVersion", "bootId", "os", "arch", "engine"] as const) {
    const text = request[name];
    if (text.length > MAX_TEXT) {
      throw new HelloRefusal(
        Code.INVALID_ARGUMENT,
        `Hello's ${name} has ${text.length} characters, allowed are ${MAX_TEXT}`,
      );
    }
  }
  if (request.bootId === "") throw new HelloRefusal(Code.INVALID_ARGUMENT, "Hello has no boot id");
  if (!SANDBOX_ID_REGEXP.test(request.sandboxId)) {
    throw new HelloRefusal(Code.INVALID_ARGUMENT, "Hello's sandbox id is not 64 hex digits");
  }
}

function checkVersion({ protocolOldest: oldest, protocolNewest: newest }: HelloRequest): number {
  const common = commonVersion(PROTOCOL, { oldest, newest });
  if (common !== undefined) return common;
  throw new HelloRefusal(
    Code.FAILED_PRECONDITION,
    `Agent speaks protocol ${oldest} to ${newest}, node ${PROTOCOL.oldest} to ${PROTOCOL.newest}: update the older one`,
    CloseCode.VERSION,
  );
}

/** A session that was dialled earlier than the one that was seen last must not take its place. */
function checkEpoch(epoch: bigint, seen: number): number {
  if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new HelloRefusal(Code.INVALID_ARGUMENT, `Session epoch ${epoch} is not a number of dials`);
  }
  if (epoch > BigInt(seen)) return Number(epoch);
  throw new HelloRefusal(
    Code.ABORTED,
    `Session epoch ${epoch} is not newer than ${seen}, which was seen before`,
    CloseCode.SUPERSEDED,
  );
}

function checkSandbox(sandboxId: string, row: VmFacts): void {
  if (sandboxId === "" || row.sandboxId === "" || sandboxId === row.sandboxId) return;
  throw new HelloRefusal(
    Code.PERMISSION_DENIED,
    `VM ${row.vmId} says it is sandbox ${sandboxId}, but it was made for sandbox ${row.sandboxId}`,
  );
}
