// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import { deadline } from "../lib/deadline.ts";
import { RpcError, toStatus } from "../protocol/status.ts";
import type { Node } from "./node.ts";
import { providerNamed } from "./provider_call.ts";
import type { StartProgress } from "./start_progress.ts";

const logger = getLogger(["infranetes", "sandbox"]);
const CONSOLE_BYTES = 2048;
const CONSOLE_LINES = 8;
const CONSOLE_MS = 3_000;

/** Why a start failed, as the pod's event will show it: the phase, the time spent, the error, the console's last lines. */
export async function explainStartFailure(
  node: Node,
  id: string,
  progress: StartProgress,
  cause: unknown,
): Promise<RpcError> {
  const where = progress.describe();
  const { code, message } = toStatus(cause);
  const { vm, facts } = node.model.sandbox(id) ?? {};
  const pod = facts ? `Pod ${facts.namespace}/${facts.name}` : `Sandbox ${id}`;
  const machine = vm
    ? ` (VM ${vm.vmId}, provider '${vm.provider}', instance '${vm.instanceId ?? "none"}')`
    : "";
  const hint = hintOf(progress);
  const lines = await consoleTail(node, id);
  const tail = lines === "" ? "" : `; the VM's console ends with:\n${lines}`;
  logger.error("Start of sandbox {sandboxId} failed {where}", { sandboxId: id, where, error: cause });
  return new RpcError(code, `${pod} did not start: failed ${where}${machine}: ${message}${hint}${tail}`, {
    cause,
  });
}

function hintOf({ phase, trouble }: StartProgress): string {
  if (trouble !== undefined) return `; before that: ${toStatus(trouble).message}`;
  return phase === "link" ? "; the VM's agent has not called: can it reach the node's link port?" : "";
}

async function consoleTail(node: Node, id: string): Promise<string> {
  const vm = node.model.sandbox(id)?.vm;
  if (!vm?.instanceId) return "";
  try {
    const provider = providerNamed(node, vm.provider);
    if (!provider.console) return "";
    using limit = deadline(CONSOLE_MS, {
      clock: node.clock,
      parents: [node.signal],
      what: "Reading the console",
    });
    return lastLines(await provider.console(vm.instanceId, CONSOLE_BYTES, limit.signal));
  } catch (error) {
    return `(it could not be read: ${error instanceof Error ? error.message : error})`;
  }
}

/** The last lines as text. Whatever a terminal would act on is left out. */
export function lastLines(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(-CONSOLE_BYTES));
  // deno-lint-ignore no-control-regex
  const plain = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/[^\P{Cc}\n\t]/gu, "");
  return plain.split("\n").filter((line) => line.trim() !== "").slice(-CONSOLE_LINES).join("\n");
}
