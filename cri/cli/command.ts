// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Terminal } from "./terminal.ts";

/** A flag of a command, as `--help` shows it and as it is parsed. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in the help, such as `FILE`. A flag without is a switch. */
  readonly value?: string;
  readonly description: string;
  /** The values that are allowed, if they are few. */
  readonly allowed?: readonly string[];
}

/** A command's words after its name. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** What came after `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
  /** Value of a flag. */
  text(flag: string): string | undefined;
  /** Whether a switch is set. */
  has(flag: string): boolean;
}

export interface CommandContext {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string>>;
  /** Fires at Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Runs a command. Answers the exit code of the process. */
export type Run = (context: CommandContext) => Promise<number>;

/** What everyone may see of a command, without loading it. */
interface Described {
  readonly name: string;
  /** One line, no period. */
  readonly summary: string;
  /** A few lines for `--help`. */
  readonly description?: string;
}

/** A command that does something. Its code is loaded only when it runs, so that the others start fast. */
export interface Command extends Described {
  /** Words after the command's name, such as `NAME [flags]`. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** Least and greatest number of positional words. */
  readonly positionals: readonly [least: number, greatest: number];
  /** Whether words after `--` are its own. */
  readonly takesRest?: boolean;
  readonly examples: readonly string[];
  readonly load: () => Promise<Run>;
}

/** A command that only has commands below it. */
export interface CommandGroup extends Described {
  readonly commands: readonly (Command | CommandGroup)[];
  readonly examples: readonly string[];
}

/** A wrong command line: shown with a pointer to `--help`, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
