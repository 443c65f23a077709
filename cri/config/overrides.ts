// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { Path } from "./yaml_source.ts";

/** A field of the configuration that a flag or an environment variable may set over the file. */
export interface Override {
  readonly path: Path;
  readonly environment: string;
  /** Without the dashes; absent where only the environment can set it. */
  readonly flag?: string;
  readonly type: "text" | "number" | "boolean" | "list";
}

/** The one table of overrides. A flag wins over the environment, which wins over the file. */
export const OVERRIDES: readonly Override[] = [
  { path: ["socket", "path"], environment: "INFRANETES_SOCKET", flag: "socket", type: "text" },
  { path: ["stateDir"], environment: "INFRANETES_STATE_DIR", flag: "state-dir", type: "text" },
  { path: ["cluster"], environment: "INFRANETES_CLUSTER", flag: "cluster", type: "text" },
  { path: ["node"], environment: "INFRANETES_NODE", flag: "node", type: "text" },
  { path: ["unsafe"], environment: "INFRANETES_UNSAFE", type: "boolean" },
  { path: ["link", "host"], environment: "INFRANETES_LINK_HOST", type: "text" },
  { path: ["link", "port"], environment: "INFRANETES_LINK_PORT", type: "number" },
  { path: ["link", "addresses"], environment: "INFRANETES_LINK_ADDRESSES", type: "list" },
  {
    path: ["client", "socket", "path"],
    environment: "INFRANETES_CLIENT_SOCKET",
    flag: "client-socket",
    type: "text",
  },
  { path: ["defaultProfile"], environment: "INFRANETES_DEFAULT_PROFILE", type: "text" },
  { path: ["cgroupDriver"], environment: "INFRANETES_CGROUP_DRIVER", type: "text" },
  { path: ["log", "level"], environment: "INFRANETES_LOG_LEVEL", flag: "log-level", type: "text" },
  { path: ["log", "format"], environment: "INFRANETES_LOG_FORMAT", flag: "log-format", type: "text" },
];

/** Variables with our prefix that are no field of the configuration. */
export const OTHER_VARIABLES = ["INFRANETES_CONFIG", "INFRANETES_CRASH_AFTER_FACT"] as const;

export type Environment = Readonly<Record<string, string>>;
/** By flag name, without the dashes. */
export type Flags = Readonly<Record<string, string | undefined>>;

export interface Overridden {
  readonly value: unknown;
  /** Path (as JSON) → what set it. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The value of a file with flags and environment over it. The file's value itself is left alone. */
export function applyOverrides(file: unknown, environment: Environment, flags: Flags): Overridden {
  const origins = new Map<string, string>();
  let value = file;
  for (const override of OVERRIDES) {
    const chosen = chooseOrigin(override, environment, flags);
    if (!chosen) continue;
    origins.set(JSON.stringify(override.path), chosen.origin);
    value = withValue(value, override.path, convert(chosen.text, override.type));
  }
  return { value, origins };
}

function chooseOrigin(override: Override, environment: Environment, flags: Flags) {
  const flag = override.flag === undefined ? undefined : flags[override.flag];
  if (flag !== undefined) return { text: flag, origin: `flag --${override.flag}` };
  const text = environment[override.environment];
  // An empty variable is an unset one: units and manifests cannot always leave it out.
  return text ? { text, origin: `environment ${override.environment}` } : undefined;
}

/** What cannot be converted stays text, so that the schema refuses it with the text in its message. */
function convert(text: string, type: Override["type"]): unknown {
  if (type === "number") return /^\d+$/.test(text) ? Number(text) : text;
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (type === "list") return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return text;
}

/** A copy with one value set. Where the file has no mapping on the way, the value replaces nothing: the schema complains. */
function withValue(root: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (root !== undefined && root !== null && (typeof root !== "object" || Array.isArray(root))) return root;
  const mapping = (root ?? {}) as Record<string, unknown>;
  return { ...mapping, [key]: withValue(mapping[key], rest, value) };
}

/** Variables that look like ours and are not. A Service named `infranetes` makes such ones in pods, so they are no error. */
export function unknownVariables(environment: Environment): string[] {
  const known = new Set<string>([...OVERRIDES.map((override) => override.environment), ...OTHER_VARIABLES]);
  return Object.keys(environment).filter((name) => name.startsWith("INFRANETES_") && !known.has(name)).sort();
}
