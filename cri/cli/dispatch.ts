// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { nearest } from "../../lib/nearest.ts";
import { parseArguments } from "./arguments.ts";
import { type Command, type CommandContext, type CommandGroup, UsageError } from "./command.ts";
import { ExitCode } from "./exit_code.ts";
import { helpText } from "./help.ts";
import { OutputClosedError, type Terminal } from "./terminal.ts";

export type DispatchContext = Omit<CommandContext, "args">;

/** Finds the command that the words name, runs it, and turns whatever happens into an exit code. */
export async function dispatch(
  root: CommandGroup,
  words: readonly string[],
  context: DispatchContext,
): Promise<number> {
  const { terminal, signal } = context;
  const found = find(root, words);
  try {
    if ("error" in found) throw new UsageError(found.error);
    const { command, path, rest } = found;
    if ("commands" in command || wantsHelp(rest)) {
      terminal.print(helpText(path, command));
      return ExitCode.OK;
    }
    const args = parseArguments(command, rest);
    const run = await command.load();
    return await run({ ...context, args });
  } catch (error) {
    return explain(error, found.path, terminal, signal);
  }
}

type Found =
  | { readonly path: string; readonly command: Command | CommandGroup; readonly rest: readonly string[] }
  | { readonly path: string; readonly error: string };

function find(root: CommandGroup, words: readonly string[]): Found {
  let command: Command | CommandGroup = root;
  let path = root.name;
  for (const [index, word] of words.entries()) {
    if (!("commands" in command)) return { path, command, rest: words.slice(index) };
    if (word === "--help" || word === "-h" || word === "help") continue;
    if (word === "--version" && command === root) return find(root, ["version"]);
    const next: Command | CommandGroup | undefined = command.commands.find(({ name }) => name === word);
    if (!next) return { path, error: unknownWord(path, command, word) };
    command = next;
    path = `${path} ${word}`;
    // `infranetes help pod run` is `infranetes pod run --help`.
    if (words[0] === "help" && !("commands" in command)) return { path, command, rest: ["--help"] };
  }
  return { path, command, rest: [] };
}

function unknownWord(path: string, group: CommandGroup, word: string): string {
  if (word.startsWith("-")) return `Unknown flag ${word}: flags come after a command of ${path}`;
  const names = group.commands.map(({ name }) => name);
  const meant = nearest(word, names);
  return `Unknown command "${path} ${word}": ${
    meant ? `did you mean "${path} ${meant}"?` : `there are ${names.join(", ")}`
  }`;
}

function wantsHelp(words: readonly string[]): boolean {
  const terminator = words.indexOf("--");
  const own = terminator < 0 ? words : words.slice(0, terminator);
  return own.includes("--help") || own.includes("-h");
}

function explain(error: unknown, path: string, terminal: Terminal, signal: AbortSignal): number {
  if (error instanceof OutputClosedError) return ExitCode.OK;
  if (signal.aborted) return ExitCode.INTERRUPTED;
  if (error instanceof UsageError) {
    terminal.note(`${error.message}\nRun "${path} --help" for help.`);
    return ExitCode.USAGE;
  }
  const code = (error as { exitCode?: unknown } | null)?.exitCode;
  if (typeof code === "number") {
    // Who chose an exit code has chosen the words too.
    terminal.note((error as Error).message);
    return code;
  }
  terminal.note(messageOf(error));
  return ExitCode.FAILURE;
}

/** What a person can act on: messages, not stack traces; the cause only where it adds something. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return cause && !error.message.includes(cause) ? `${error.message}: ${cause}` : error.message;
}
