// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { untilAborted } from "../../lib/deadline.ts";
import type { AcceptedPod } from "../pods/accepted_pod.ts";
import type { RunEvent } from "./api.ts";
import { byteStream } from "./byte_stream.ts";
import { errorDetail } from "./error_response.ts";

/**
 * The start of a pod as the body of an answer. Whether somebody reads it changes nothing about the start. When the
 * process ends first, the stream ends without a last event: the next process goes on with the start.
 */
export function runStream(
  pod: AcceptedPod,
  wait: boolean,
  ending: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return byteStream(() => lines(pod, wait, ending));
}

async function* lines(
  { namespace, name, uid, phases, running }: AcceptedPod,
  wait: boolean,
  ending: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield line({ event: "accepted", namespace, name, uid });
  if (!wait) return;
  for await (const { phase, ms } of until(phases, ending)) yield line({ event: "phase", phase, ms });
  try {
    yield line({ event: "running", pod: await untilAborted(running, ending) });
  } catch (error) {
    if (ending.aborted) return;
    yield line({ event: "failed", error: errorDetail(error) });
  }
}

/** A stream that also ends when the signal fires. */
async function* until<T>(stream: ReadableStream<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    for (let next; !(next = await reader.read()).done;) yield next.value;
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel();
  }
}

function line(event: RunEvent): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(event)}\n`);
}
