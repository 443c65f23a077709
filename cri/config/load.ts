// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { crossCheck } from "./cross_check.ts";
import { applyOverrides, type Environment, type Flags, type Overridden } from "./overrides.ts";
import { type Problem, ProblemsError } from "./problem.ts";
import { configSchema, type NodeConfig } from "./schema.ts";
import { type Path, YamlSource } from "./yaml_source.ts";
import { zodProblems } from "./zod_problems.ts";

export interface LoadOptions {
  readonly environment: Environment;
  readonly flags: Flags;
  /** Name of the node where the configuration has none. */
  readonly hostname: string;
}

/**
 * Reads a configuration: file, then environment, then flags, then schema.
 *
 * @throws {ProblemsError} with everything that is wrong
 */
export async function loadConfig(file: string, options: LoadOptions): Promise<NodeConfig> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw new ProblemsError(file, [{ path: [], message: unreadable(cause) }], { cause });
  }
  return parseConfig(file, text, options);
}

/** {@linkcode loadConfig} for a text. `file` is for messages only. */
export function parseConfig(file: string, text: string, options: LoadOptions): NodeConfig {
  const source = new YamlSource(text);
  if (source.problems.length > 0) {
    const problems = source.problems.map(({ message, ...position }) => ({
      path: [],
      message: `Not YAML: ${message}`,
      position,
    }));
    throw new ProblemsError(file, problems);
  }
  const overridden = applyOverrides(mappingOf(file, source), options.environment, options.flags);
  const found = [...zodProblems(configSchema, overridden.value), ...crossCheck(overridden.value)];
  if (found.length > 0) throw new ProblemsError(file, placed(found, source, overridden));
  const config = configSchema.parse(overridden.value);
  return { ...config, node: config.node || nodeName(options.hostname) };
}

function unreadable(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "The file does not exist";
  if (cause instanceof Deno.errors.IsADirectory) return "This is a directory: a file is expected";
  if (cause instanceof Deno.errors.PermissionDenied) return "The file may not be read by this user";
  return `The file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
}

/** An empty file is a mapping without keys: flags and environment may have it all. */
function mappingOf(file: string, source: YamlSource): unknown {
  const value = source.value ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value;
  const given = JSON.stringify(value).slice(0, 60);
  const message = "Must be a mapping of keys to values at the top";
  throw new ProblemsError(file, [{ path: [], message, given, position: source.positionOf([]) }]);
}

/** Problems with their place, in the order of the file. */
function placed(problems: readonly Problem[], source: YamlSource, overridden: Overridden): Problem[] {
  return problems.map((problem) => {
    const origin = originOf(problem.path, overridden);
    return origin === undefined
      ? { ...problem, position: source.positionOf(problem.path) }
      : { ...problem, origin };
  }).sort((a, b) => lineOf(a) - lineOf(b));
}

function lineOf(problem: Problem): number {
  return problem.position ? problem.position.line * 10_000 + problem.position.column : Infinity;
}

function originOf(path: Path, { origins }: Overridden): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(JSON.stringify(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

/** A host's name as a label: the part before the first dot, in lower case. */
function nodeName(hostname: string): string {
  const name = hostname.split(".")[0]!.toLowerCase().replace(/[^a-z0-9-]/g, "-").replace(/^-+|-+$/g, "");
  return name.slice(0, 63) || "node";
}
