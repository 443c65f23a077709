// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import { InvalidArgumentError } from "../../lib/errors.ts";
import type { ExecRequest, ExecStart } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import { Code, RpcError } from "../../protocol/status.ts";
import type { ExecProcess } from "../engines/engine.ts";
import type { Agent } from "./agent.ts";
import { MergedOutput, type OutputChunk } from "./exec_output.ts";

const logger = getLogger(["vmserver", "exec"]);

const DRAIN_BOUND_MS = 2_000;

type ExecEvent = OutputChunk | { readonly case: "exit"; readonly value: { readonly exitCode: number } };

/**
 * A process beside the container's own. Whatever ends the call kills its whole process group: the end of the session, a
 * cancellation, its time-out.
 */
export async function* exec(
  agent: Agent,
  requests: AsyncIterable<ExecRequest>,
  { signal }: CallContext,
): AsyncGenerator<{ event: ExecEvent }> {
  const rest = requests[Symbol.asyncIterator]();
  const start = await firstRequest(rest);
  const { engine } = agent.requireContainer(start.containerId);
  const limit = new AbortController();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, limit.signal]);
  const timeoutMs = Number(start.timeoutMs);
  const timer = timeoutMs > 0 ? setTimeout(() => limit.abort(), timeoutMs) : undefined;
  await using stack = new AsyncDisposableStack();
  try {
    await using process = await engine.exec(start, ended);
    const input = process.stdin?.getWriter();
    // However the call ends: an input that stays open is a file descriptor lost.
    stack.defer(() => input?.abort().catch(() => {}));
    ended.addEventListener("abort", () => process.kill(), { once: true });
    if (ended.aborted) process.kill();
    void feedInput(process, input, rest);
    const { stdout, stderr } = process;
    await using output = new MergedOutput({ stdout, stderr, limit: Number(start.outputLimit) });
    void endOutput(process, output, agent.clock, over.signal);
    for await (const chunk of output.chunks()) yield { event: chunk };
    const exitCode = await process.exitCode;
    signal.throwIfAborted();
    if (limit.signal.aborted) throw timedOut(start);
    yield { event: { case: "exit", value: { exitCode } } };
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** A daemon that hid from the killing may hold the outputs of a process that has ended long ago. */
async function endOutput(
  process: ExecProcess,
  output: MergedOutput,
  clock: Clock,
  over: AbortSignal,
): Promise<void> {
  await process.exitCode;
  try {
    await clock.sleep(DRAIN_BOUND_MS, over);
    output.end();
  } catch {
    // The call is over before: its outputs have ended by themselves.
  }
}

async function firstRequest(requests: AsyncIterator<ExecRequest>): Promise<ExecStart> {
  const { done, value } = await requests.next();
  if (!done && value.event.case === "start") return value.event.value;
  throw new InvalidArgumentError("First message of Exec must be its start");
}

function timedOut({ containerId, timeoutMs, command }: ExecStart): RpcError {
  const name = command[0] ?? "";
  return new RpcError(
    Code.DEADLINE_EXCEEDED,
    `Command "${name}" in container ${containerId} did not end within ${timeoutMs} ms and was killed`,
  );
}

/** What the caller sends goes to the process until either has enough. */
async function feedInput(
  process: ExecProcess,
  input: WritableStreamDefaultWriter<Uint8Array> | undefined,
  requests: AsyncIterator<ExecRequest>,
): Promise<void> {
  try {
    for (let next = await requests.next(); !next.done; next = await requests.next()) {
      const { event } = next.value;
      if (event.case === "stdin") await input?.write(event.value);
      else if (event.case === "stdinEnd") await input?.close();
      else if (event.case === "resize") process.resize(event.value.width, event.value.height);
    }
    // Half-closed without a word of it: there is no more input either.
    await input?.close();
  } catch (error) {
    // Closed already, or the process does not read: its exit code says what came of it.
    logger.debug("Input of a command was not taken: {error}", { error });
  }
}
