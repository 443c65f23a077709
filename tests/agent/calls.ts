// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import type { AgentLink } from "../../cri/agent_link.ts";
import type { Code } from "../../protocol/status.ts";
import { RpcError } from "../../protocol/status.ts";

/** The calls of the service Containers that tests make, as an in-process session and a node's link give them. */
export type ContainerCalls = Pick<
  AgentLink["containers"],
  "create" | "start" | "stop" | "remove" | "exec" | "logs"
>;

/** A log's bytes from an offset on until it is complete. */
export async function readLog(containers: ContainerCalls, containerId: string, offset = 0): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let at = BigInt(offset);
  for await (const { offset: from, data } of containers.logs({ containerId, offset: at })) {
    assert.equal(from, at);
    at += BigInt(data.length);
    text += decoder.decode(data, { stream: true });
  }
  return text;
}

/** Records without their times: `stdout F hello`. */
export function records(log: string): string[] {
  return log.split("\n").slice(0, -1).map((record) => {
    assert.match(record, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] /);
    return record.slice(31);
  });
}

/** Waits until the log holds `text`, and answers the log up to there. */
export async function untilLogged(
  containers: ContainerCalls,
  containerId: string,
  text: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let log = "";
  for await (const { data } of containers.logs({ containerId })) {
    log += decoder.decode(data, { stream: true });
    if (log.includes(text)) return log;
  }
  throw new Error(`Log of ${containerId} ended without "${text}": ${log}`);
}

export interface Executed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface ExecuteOptions {
  readonly timeoutMs?: number;
  readonly outputLimit?: number;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** Called with each piece of output. */
  readonly onoutput?: (text: string) => void;
}

/** Runs a command in a container to its end. */
export async function execute(
  containers: ContainerCalls,
  containerId: string,
  command: string[],
  options: ExecuteOptions = {},
): Promise<Executed> {
  const { timeoutMs = 0, outputLimit = 0, stdin, signal, onoutput } = options;
  async function* requests() {
    const start = { containerId, command, stdin: stdin !== undefined, timeoutMs: BigInt(timeoutMs) };
    yield { event: { case: "start" as const, value: { ...start, outputLimit: BigInt(outputLimit) } } };
    if (stdin === undefined) return;
    yield await Promise.resolve({
      event: { case: "stdin" as const, value: new TextEncoder().encode(stdin) },
    });
    yield { event: { case: "stdinEnd" as const, value: true } };
  }
  const text = { stdout: "", stderr: "" };
  for await (const { event } of containers.exec(requests(), signal ? { signal } : {})) {
    if (event.case === "exit") return { ...text, exitCode: event.value.exitCode };
    if (event.case === undefined) continue;
    const piece = new TextDecoder().decode(event.value);
    text[event.case] += piece;
    onoutput?.(piece);
  }
  throw new Error("Exec ended without an exit code");
}

/** The call fails with this code and a message like that. */
export async function rejects(call: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert(error instanceof RpcError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Processes of a container, wherever they went. */
export function processesOf(containerId: string): Promise<number[]> {
  return processesWith(`INFRANETES_CONTAINER_ID=${containerId}`);
}

/** Processes with this variable in their environment, dead ones that wait to be reaped not counted. */
export async function processesWith(variable: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
    const status = await Deno.readTextFile(`/proc/${name}/status`).catch(() => "");
    if (/^State:\s+Z/m.test(status)) continue;
    if (environment.includes(`${variable}\0`)) found.push(Number(name));
  }
  return found;
}
