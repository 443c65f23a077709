// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { TimeoutError, UnavailableError } from "../../../lib/errors.ts";
import { V8_FLAGS } from "../../../lib/v8_flags.ts";
import { splitLines } from "../../monitor/lines.ts";
import { ERROR_FILE, type MonitorEvent } from "../../monitor/spec.ts";
import { readIfExists } from "../../state/atomic_file.ts";

/** A monitor answers after some 40 ms; a machine that swaps may take longer. */
const START_BOUND_MS = 15_000;

/** Program and arguments that monitor the container in the directory that follows. */
export function monitorCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath(), "monitor"];
  // Its imports are few and all relative: neither configuration nor registry need be looked at.
  const program = import.meta.resolve("../../monitor/main.ts");
  const options = ["-A", "--no-config", "--no-lock", "--cached-only", `--v8-flags=${V8_FLAGS.vmserver}`];
  return [Deno.execPath(), "run", ...options, program];
}

export interface StartedMonitor {
  /** Its first: the container's process runs, or could not be started. */
  readonly event: MonitorEvent;
  /** Resolves when the monitor's own process has ended. Until it is asked for, this process may end before. */
  readonly ended: () => Promise<void>;
}

/**
 * Makes a monitor, which outlives this process, and waits for its first event: the container's process runs, or could
 * not be started.
 *
 * @throws {UnavailableError} if the monitor ended without a word; {@linkcode TimeoutError} if it was killed for saying nothing
 */
export async function startMonitor(directory: string, command: readonly string[]): Promise<StartedMonitor> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args: [...args, directory],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
  const reaped = child.status.then(() => {});
  const ended = () => {
    child.ref();
    return reaped;
  };
  child.unref();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    kill(child);
  }, START_BOUND_MS);
  try {
    for await (const line of splitLines(child.stdout)) {
      return { event: JSON.parse(line) as MonitorEvent, ended };
    }
  } finally {
    clearTimeout(timer);
  }
  if (silent) throw new TimeoutError(`Monitor said nothing for ${START_BOUND_MS} ms and was killed`);
  const { code } = await child.status;
  throw new UnavailableError(
    `Monitor ended with code ${code}: ${monitorError(directory) || "it left no word"}`,
  );
}

/** What the monitor noted about a failure of its own. */
export function monitorError(directory: string): string {
  return readIfExists(`${directory}/${ERROR_FILE}`)?.trim() ?? "";
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // It ended in this moment.
  }
}
