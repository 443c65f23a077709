// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { parseArgs } from "node:util";
import { nearest } from "../../lib/nearest.ts";
import { type Arguments, type Command, type Flag, UsageError } from "./command.ts";

/**
 * Reads the words after a command's name.
 *
 * @throws {UsageError} for unknown flags, missing values and a wrong number of words
 */
export function parseArguments(command: Command, words: readonly string[]): Arguments {
  const terminator = words.indexOf("--");
  const own = terminator < 0 ? words : words.slice(0, terminator);
  const rest = terminator < 0 ? undefined : words.slice(terminator + 1);
  const { tokens, positionals } = parseArgs({
    args: [...own],
    options: Object.fromEntries(command.flags.map((flag) => [flag.name, optionOf(flag)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind === "option") {
      values.set(...checkedOption(command, token.rawName, token.name, token.value));
    }
  }
  checkCount(command, positionals, rest);
  return {
    positionals,
    rest,
    has: (flag) => values.has(flag),
    text: (flag) => {
      const value = values.get(flag);
      return value === true ? undefined : value;
    },
  };
}

function optionOf(flag: Flag): { type: "string" | "boolean"; short?: string } {
  const type = flag.value === undefined ? "boolean" : "string";
  return flag.short === undefined ? { type } : { type, short: flag.short };
}

function checkedOption(
  command: Command,
  raw: string,
  name: string,
  value: string | undefined,
): [string, string | true] {
  const flag = command.flags.find((known) => known.name === name);
  if (!flag) throw new UsageError(unknownFlag(command, raw));
  if (flag.value === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value (given: "${value}")`);
    return [name, true];
  }
  if (value === undefined) throw new UsageError(`${raw} needs a value: ${raw} ${flag.value}`);
  if (flag.allowed && !flag.allowed.includes(value)) {
    throw new UsageError(
      `${raw} must be ${flag.allowed.map((one) => `"${one}"`).join(" or ")} (given: "${value}")`,
    );
  }
  return [name, value];
}

function unknownFlag(command: Command, raw: string): string {
  const meant = nearest(raw.replace(/^-+/, ""), command.flags.map(({ name }) => name));
  return `Unknown flag ${raw}${meant ? `: did you mean --${meant}?` : ""}`;
}

function checkCount(
  command: Command,
  positionals: readonly string[],
  rest: readonly string[] | undefined,
): void {
  const [least, greatest] = command.positionals;
  if (positionals.length < least) throw new UsageError(`Too few words: ${command.name} ${command.usage}`);
  if (positionals.length > greatest) {
    const hint = command.takesRest ? ". A command to run goes after --" : "";
    throw new UsageError(`Unexpected word "${positionals[greatest]}"${hint}`);
  }
  if (rest !== undefined && !command.takesRest) throw new UsageError(`Unexpected --`);
}
