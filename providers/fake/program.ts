// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { Clock } from "../../lib/clock.ts";

/** What a program of the fake agent can reach. */
export interface ProgramIo {
  readonly clock: Clock;
  /** Aborts when the program is killed. */
  readonly signal: AbortSignal;
  /** Undefined where there is no standard input. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  write(stream: "stdout" | "stderr", bytes: Uint8Array): void | Promise<void>;
}

/** Runs until it ends by itself (its exit code) or is killed (rejects with the signal's reason). */
type Step = (words: readonly string[], io: ProgramIo) => Promise<number | undefined>;

const encoder = new TextEncoder();
const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Each answers undefined to go on with the next step, or the exit code with which to end. */
const STEPS: Readonly<Record<string, Step>> = {
  true: () => Promise.resolve(undefined),
  false: () => Promise.resolve(1),
  exit: ([code = "0"]) => Promise.resolve(Number(code) & 0xff),
  async echo(words, io) {
    await io.write("stdout", encoder.encode(words.join(" ") + "\n"));
    return undefined;
  },
  async sleep([text = ""], io) {
    const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? [];
    if (amount === undefined) {
      await io.write("stderr", encoder.encode(`sleep: invalid time interval '${text}'\n`));
      return 1;
    }
    // Longer than a timer's 2^31 ms is the same as for ever here.
    await io.clock.sleep(Math.min(Number(amount) * UNIT_MS[unit]!, 2 ** 31 - 1), io.signal);
    return undefined;
  },
  async cat(_words, io) {
    for await (const bytes of io.stdin ?? []) await io.write("stdout", bytes);
    return undefined;
  },
};

/** The steps that a command line stands for, undefined if it is not one of the few that the fake agent knows. */
export function parseProgram(command: readonly string[]): readonly (readonly string[])[] | undefined {
  const [shell, flag, script] = command;
  const isScript = /^(\/bin\/)?(ba)?sh$/.test(shell ?? "") && flag === "-c" && script !== undefined;
  const steps = isScript ? script.split(/;|&&/).map((step) => step.trim().split(/\s+/)) : [command];
  const known = steps.map(([name = "", ...words]) => [name.replace(/^\/(usr\/)?bin\//, ""), ...words]);
  return known.length > 0 && known.every(([name]) => Object.hasOwn(STEPS, name!)) ? known : undefined;
}

/** Runs what {@linkcode parseProgram} understood. Answers the exit code. */
export async function runProgram(steps: readonly (readonly string[])[], io: ProgramIo): Promise<number> {
  for (const [name, ...words] of steps) {
    const code = await STEPS[name!]!(words, io);
    if (code !== undefined) return code;
  }
  return 0;
}
