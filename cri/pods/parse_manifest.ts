// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { InvalidArgumentError } from "../../lib/errors.ts";
import type { Problem } from "../config/problem.ts";
import { zodProblems } from "../config/zod_problems.ts";
import { ManifestError } from "./manifest_error.ts";
import { label, manifestSchema, type PodManifest } from "./manifest.ts";
import { isKubernetesField } from "./unsupported.ts";

/**
 * Reads a Kubernetes Pod given as data.
 *
 * @throws {ManifestError} with everything that is wrong or cannot be had
 */
export function parseManifest(value: unknown): PodManifest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError([{
      path: [],
      message: "Must be a Kubernetes Pod: a mapping with apiVersion, kind, metadata, spec",
    }]);
  }
  const wrongKind = kindProblem(value as Record<string, unknown>);
  if (wrongKind) throw new ManifestError([wrongKind]);
  const problems = [...zodProblems(manifestSchema, value).map(explain), ...duplicates(value)];
  if (problems.length > 0) throw new ManifestError(problems);
  return manifestSchema.parse(value);
}

/**
 * A pod's namespace: that of the call, or of the manifest, or the default one. It becomes part of a path, so that nothing
 * but a name is let through.
 *
 * @throws {InvalidArgumentError} if it is no name, or if call and manifest want different ones
 */
export function namespaceOf(manifest: PodManifest, wanted: string | undefined): string {
  const own = manifest.metadata.namespace;
  if (wanted === undefined) return own ?? "default";
  if (!label.safeParse(wanted).success) {
    throw new InvalidArgumentError(`${JSON.stringify(wanted)} is no namespace's name`);
  }
  if (own === undefined || own === wanted) return wanted;
  throw new InvalidArgumentError(
    `The manifest is for namespace "${own}", not for "${wanted}": leave one of them out`,
  );
}

/** Of another kind of object nothing else is worth saying. */
function kindProblem({ kind }: Record<string, unknown>): Problem | undefined {
  if (typeof kind !== "string" || kind === "Pod") return undefined;
  return {
    path: ["kind"],
    message: "Only Pods can be run: of a workload take its template",
    given: JSON.stringify(kind),
  };
}

function explain(problem: Problem): Problem {
  const { path } = problem;
  if (!problem.message.startsWith("Unknown key") || !isKubernetesField(path)) return withoutValue(problem);
  return { path, message: "Not supported for stand-alone pods yet" };
}

/** Values of variables may be secrets: what is wrong with one is said without it. */
function withoutValue(problem: Problem): Problem {
  if (!problem.path.includes("env") || problem.path.at(-1) !== "value") return problem;
  const { given: _, ...rest } = problem;
  return rest;
}

function duplicates(value: object): Problem[] {
  const containers = (value as { spec?: { containers?: unknown } }).spec?.containers;
  if (!Array.isArray(containers)) return [];
  const names = containers.map((container) => container?.name);
  return names.flatMap((name, index) =>
    typeof name === "string" && names.indexOf(name) < index
      ? [{
        path: ["spec", "containers", index, "name"],
        message: "Another container has this name",
        given: JSON.stringify(name),
      }]
      : []
  );
}
