// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { nearest } from "../../lib/nearest.ts";
import type { Problem } from "./problem.ts";
import type { Path } from "./yaml_source.ts";

type Mapping = Readonly<Record<string, unknown>>;

/**
 * What fields must have in common. Runs on the value as it was given, not on the parsed one, so that its problems show
 * up together with those of the schema; whatever has the wrong shape is the schema's to refuse and is skipped here.
 */
export function crossCheck(value: unknown): Problem[] {
  const config = mapping(value);
  const providers = mapping(config.providers);
  const profiles = mapping(config.profiles);
  return [
    ...empty(config, "providers"),
    ...empty(config, "profiles"),
    ...Object.entries(profiles).flatMap(([name, profile]) =>
      reference(["profiles", name, "provider"], mapping(profile).provider, providers, "providers")
    ),
    ...reference(["defaultProfile"], config.defaultProfile, profiles, "profiles"),
    ...unsafeProviders(config, providers),
    ...sizesAscend(profiles),
    ...socketsDiffer(config),
  ];
}

function mapping(value: unknown): Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Mapping : {};
}

function empty(config: Mapping, key: string): Problem[] {
  const value = config[key];
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty ? [{ path: [key], message: "Must have at least one entry", given: "{}" }] : [];
}

function reference(path: Path, name: unknown, among: Mapping, where: string): Problem[] {
  if (typeof name !== "string" || Object.hasOwn(among, name)) return [];
  const names = Object.keys(among);
  const meant = nearest(name, names);
  const advice = meant
    ? `did you mean ${JSON.stringify(meant)}?`
    : `there are: ${names.join(", ") || "none"}`;
  return [{
    path,
    message: `Must be the name of an entry of ${where}: ${advice}`,
    given: JSON.stringify(name),
  }];
}

function unsafeProviders(config: Mapping, providers: Mapping): Problem[] {
  if (config.unsafe === true) return [];
  return Object.entries(providers).filter(([, provider]) => mapping(provider).kind === "process").map((
    [name],
  ) => ({
    path: ["providers", name, "kind"],
    message: "Pods of this kind run on the node without any isolation: allowed only with unsafe: true",
    given: '"process"',
  }));
}

function sizesAscend(profiles: Mapping): Problem[] {
  return Object.entries(profiles).flatMap(([name, profile]) => {
    const sizes = mapping(profile).sizes;
    if (!Array.isArray(sizes)) return [];
    const at = sizes.findIndex((size, index) =>
      index > 0 && Number(size?.cpus) < Number(sizes[index - 1]?.cpus)
    );
    return at < 0
      ? []
      : [{ path: ["profiles", name, "sizes", at], message: "Sizes must be in ascending order" }];
  });
}

function socketsDiffer(config: Mapping): Problem[] {
  const path = mapping(mapping(mapping(config.client).socket)).path;
  if (typeof path !== "string" || path !== mapping(config.socket).path) return [];
  return [{
    path: ["client", "socket", "path"],
    message: "Must differ from socket.path",
    given: JSON.stringify(path),
  }];
}
