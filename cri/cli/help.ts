// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Command, CommandGroup, Flag } from "./command.ts";

/** The text of `--help` for a command or a group. `path` is its name with those above it. */
export function helpText(path: string, command: Command | CommandGroup): string {
  return "commands" in command ? groupHelp(path, command) : commandHelp(path, command);
}

function groupHelp(path: string, group: CommandGroup): string {
  return sections([
    [`${path}: ${group.summary}`, ...paragraph(group.description)],
    ["Usage:", `  ${path} COMMAND [flags]`],
    ["Commands:", ...columns(group.commands.map(({ name, summary }) => [name, summary]))],
    examples(group.examples),
    [`Run "${path} COMMAND --help" for more about a command.`],
  ]);
}

function commandHelp(path: string, command: Command): string {
  return sections([
    [`${path}: ${command.summary}`, ...paragraph(command.description)],
    ["Usage:", `  ${path} ${command.usage}`.trimEnd()],
    command.flags.length > 0
      ? ["Flags:", ...columns(command.flags.map((flag) => [flagText(flag), flag.description]))]
      : [],
    examples(command.examples),
  ]);
}

function paragraph(text: string | undefined): string[] {
  return text ? ["", ...text.split("\n")] : [];
}

function examples(lines: readonly string[]): string[] {
  return lines.length > 0 ? ["Examples:", ...lines.map((line) => `  ${line}`)] : [];
}

function flagText(flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  return `${short}--${flag.name}${flag.value ? ` ${flag.value}` : ""}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function sections(parts: readonly (readonly string[])[]): string {
  return parts.filter((part) => part.length > 0).map((part) => part.join("\n")).join("\n\n");
}
