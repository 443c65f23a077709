// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { InvalidArgumentError } from "../lib/errors.ts";

export type LogLevelName = "debug" | "info" | "warning" | "error";

/** What `vmserver run` is told. */
export interface RunCommand {
  readonly name: "run";
  readonly state: string;
  readonly userData: string;
  readonly powerOff: boolean;
  readonly logLevel: LogLevelName;
}

export type Command =
  | RunCommand
  | { readonly name: "monitor"; readonly directory: string }
  | { readonly name: "version" }
  | { readonly name: "help" };

export const HELP = `Usage: vmserver [run] --state DIR --user-data FILE [--power-off] [--log-level LEVEL]
       vmserver version | --help

The agent of Infranetes in a VM: calls its node, runs the pod's containers, tells of them.
Containers outlive it: it may be killed and started again under them.

  --state DIR        what it keeps: binding to the sandbox, containers, logs, certificate
  --user-data FILE   what the VM was told at its start: node addresses, VM id, join token
  --power-off        power the machine off when the node orders the end of the VM, or has not
                     been heard for its orphan time-out; without it only vmserver ends
  --log-level LEVEL  debug, info (default), warning or error

Exit codes:
    0  the VM's end was ordered; all containers have ended
    1  failed: start it again
   64  wrong usage
   77  the node refuses this VM: starting again does not help
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM: containers live on
`;

const LEVELS: readonly string[] = ["debug", "info", "warning", "error"];

/** @throws {InvalidArgumentError} saying what is wrong */
export function parseCommandLine(args: readonly string[]): Command {
  if (args.includes("--help") || args[0] === "-h" || args[0] === "help") return { name: "help" };
  const [first, ...rest] = args;
  if (first === "version" || first === "--version") return { name: "version" };
  if (first === "monitor") {
    if (rest.length !== 1) throw new InvalidArgumentError("Command monitor takes one directory");
    return { name: "monitor", directory: rest[0]! };
  }
  return parseRun(first === "run" ? rest : args);
}

function parseRun(args: readonly string[]): RunCommand {
  const values: Record<string, string> = {};
  let powerOff = false;
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = split(args[at]!);
    if (flag === "--power-off" && inline === undefined) {
      powerOff = true;
    } else if (flag === "--state" || flag === "--user-data" || flag === "--log-level") {
      const value = inline ?? args[++at];
      if (!value) throw new InvalidArgumentError(`Flag ${flag} needs a value`);
      values[flag] = value;
    } else {
      throw new InvalidArgumentError(`Argument "${args[at]}" is unknown: see vmserver --help`);
    }
  }
  const { "--state": state, "--user-data": userData, "--log-level": logLevel = "info" } = values;
  if (!state || !userData) {
    throw new InvalidArgumentError(`Flag ${state ? "--user-data" : "--state"} is missing`);
  }
  if (!LEVELS.includes(logLevel)) {
    throw new InvalidArgumentError(`Log level "${logLevel}" is unknown: allowed are ${LEVELS.join(", ")}`);
  }
  return { name: "run", state, userData, powerOff, logLevel: logLevel as LogLevelName };
}

/** `--flag=value` or `--flag`. */
function split(argument: string): [flag: string, value: string | undefined] {
  const equals = argument.indexOf("=");
  return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)];
}
