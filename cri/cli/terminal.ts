// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Where commands write. The process has one; tests have one that remembers. */
export interface Terminal {
  /** A line (or lines) of the answer, to standard output. */
  print(text: string): void;
  /** A line for the person: progress, warnings, errors; to standard error. */
  note(text: string): void;
  /** Bytes of somebody else's output, as they are. */
  write(bytes: Uint8Array, stream: "stdout" | "stderr"): void;
  /** Whether a person watches standard error, so that progress is worth showing. */
  readonly interactive: boolean;
}

/** The terminal of this process. The only place in the node program that writes to standard output. */
export const processTerminal: Terminal = {
  print: (text) => writeAll(Deno.stdout, new TextEncoder().encode(`${text}\n`)),
  note: (text) => writeAll(Deno.stderr, new TextEncoder().encode(`${text}\n`)),
  write: (bytes, stream) => writeAll(stream === "stdout" ? Deno.stdout : Deno.stderr, bytes),
  interactive: Deno.stderr.isTerminal(),
};

/** Whoever read us is gone (`… | head -1`): nothing more to say. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.byteLength;) at += stream.writeSync(bytes.subarray(at));
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) throw new OutputClosedError("Output was closed", { cause });
    throw cause;
  }
}
