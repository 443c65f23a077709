// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { linkAbort } from "../../lib/deadline.ts";
import { FailedPreconditionError, InvalidArgumentError, TimeoutError } from "../../lib/errors.ts";
import type { ExecRequest, ExecResponseSchema, ExecStart } from "../../protocol/gen/agent_pb.ts";
import type { CallContext } from "../../protocol/link/router.ts";
import type { FakeAgent } from "./agent.ts";
import { parseProgram, runProgram } from "./program.ts";
import type { StreamName } from "./log.ts";

type Answer = MessageInitShape<typeof ExecResponseSchema>;

/**
 * Runs one of the fake agent's programs beside a container. A command that is none of them prints its arguments as a
 * JSON array and ends with 0, so that a test sees what arrived.
 */
export async function* exec(agent: FakeAgent, requests: AsyncIterable<ExecRequest>, context: CallContext) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = (await iterator.next()).value?.event;
  if (first?.case !== "start") {
    throw new InvalidArgumentError("First message of Exec must be start");
  }
  const start: ExecStart = first.value;
  const container = agent.container(start.containerId);
  if (!container.running) {
    throw new FailedPreconditionError(`Cannot execute in container ${start.containerId}: it does not run`);
  }
  const killed = new AbortController();
  const unlink = [context.signal, container.ended].map((signal) => linkAbort(signal, killed));
  const timer = start.timeoutMs > 0n ? startTimer(agent, start, killed) : undefined;
  try {
    yield* run(agent, start, stdinOf(iterator), killed.signal);
  } finally {
    timer?.abort();
    for (const stop of unlink) stop();
  }
}

function startTimer(agent: FakeAgent, { timeoutMs, command }: ExecStart, killed: AbortController) {
  const timer = new AbortController();
  agent.clock.sleep(Number(timeoutMs), timer.signal).then(
    () => killed.abort(new TimeoutError(`Command ${command[0]} did not end within ${timeoutMs} ms`)),
    () => {}, // The command ended first.
  );
  return timer;
}

async function* stdinOf(requests: AsyncIterator<ExecRequest>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { value, done } = await requests.next();
    if (done || value.event.case === "stdinEnd") return;
    if (value.event.case === "stdin") yield value.event.value;
  }
}

/** The program writes into a stream that holds one piece: a node that does not read holds the program. */
async function* run(
  agent: FakeAgent,
  start: ExecStart,
  stdin: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
) {
  const output = new TransformStream<Answer, Answer>();
  const writer = output.writable.getWriter();
  const allowance = { stdout: limitOf(start), stderr: limitOf(start) };
  const write = async (stream: StreamName, bytes: Uint8Array) => {
    const kept = bytes.subarray(0, allowance[stream]);
    allowance[stream] -= kept.length;
    if (kept.length > 0) await writer.write({ event: { case: stream, value: kept } });
  };
  const io = { clock: agent.clock, signal, stdin: start.stdin ? stdin : undefined, write };
  const abort = () => void writer.abort(signal.reason).catch(() => {}); // The reader gets the reason.
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  void execute(start.command, io).then(
    async (exitCode) => {
      await writer.write({ event: { case: "exit", value: { exitCode } } });
      await writer.close();
    },
    (error) => writer.abort(error),
  ).catch(() => {}); // The reader has gone, or has got the reason already.
  try {
    yield* output.readable;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function execute(command: readonly string[], io: Parameters<typeof runProgram>[1]): Promise<number> {
  const program = parseProgram(command);
  if (program) return await runProgram(program, io);
  await io.write("stdout", new TextEncoder().encode(JSON.stringify(command) + "\n"));
  return 0;
}

function limitOf({ outputLimit }: ExecStart): number {
  return outputLimit === 0n ? Infinity : Number(outputLimit);
}
