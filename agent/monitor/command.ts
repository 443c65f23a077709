// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { StartRecord } from "./spec.ts";

/** What to run, where, and with which environment: nothing is inherited. */
export type CommandSpec = Pick<StartRecord, "argv" | "environment" | "workingDirectory">;

/**
 * Makes a process that leads a session and a process group of its own, both outputs in pipes.
 *
 * @throws {Error} that says what could not be started and why, in words for the pod's event
 */
export function spawnCommand(spec: CommandSpec, stdin: "null" | "piped" = "null"): Deno.ChildProcess {
  const [command, ...args] = spec.argv;
  if (command === undefined) throw new Error("Cannot start a process without a command");
  checkWorkingDirectory(command, spec.workingDirectory);
  try {
    return new Deno.Command(command, {
      args,
      cwd: spec.workingDirectory,
      clearEnv: true,
      env: { ...spec.environment },
      stdin,
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (cause) {
    throw new Error(`Cannot start "${command}": ${explain(command, spec, cause)}`, { cause });
  }
}

function checkWorkingDirectory(command: string, path: string): void {
  let problem: string;
  try {
    if (Deno.statSync(path).isDirectory) return;
    problem = "is not a directory";
  } catch (error) {
    problem = error instanceof Deno.errors.NotFound
      ? "does not exist"
      : `cannot be used: ${(error as Error).message}`;
  }
  throw new Error(`Cannot start "${command}": its working directory "${path}" ${problem}`);
}

function explain(command: string, spec: CommandSpec, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    // An interpreter in the first line of a script that does not exist looks the same.
    return command.includes("/")
      ? "no such file, or the interpreter that its first line names is missing"
      : `executable file not found in PATH (${spec.environment.PATH ?? ""})`;
  }
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied: the file is not executable";
  return (error as Error).message;
}
