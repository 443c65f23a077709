// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import * as z from "zod";
import type { Problem } from "./problem.ts";
import type { Path } from "./yaml_source.ts";
import { nearest } from "../../lib/nearest.ts";

const GIVEN_MAX = 60;

/**
 * Everything a strict schema has against a value, one problem for each, in words for the person who wrote it: an unknown
 * key is named with the key that was probably meant, a wrong value with the values that are allowed.
 */
export function zodProblems(schema: z.ZodType, value: unknown): Problem[] {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => fromIssue(schema, value, issue));
}

function fromIssue(schema: z.ZodType, root: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((step) => typeof step === "number" ? step : String(step));
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, root, path);
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
  }
  // A record whose key is refused: what is wrong is the key, not what stands under it.
  if (issue.code === "invalid_key") {
    return [{ path, message: issue.issues.map(({ message }) => message).join("; ") }];
  }
  const given = valueAt(root, path);
  const message = expected(issue, kindsAt(schema, root, path));
  if (given === undefined) return [{ path, message: missing(message) }];
  return [{ path, message, ...(isSecret(schema, root, path) ? {} : { given: shorten(given) }) }];
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const advice = meant ? `did you mean ${JSON.stringify(meant)}?` : `known here: ${known.join(", ")}`;
  return known.length === 0 ? "Unknown key" : `Unknown key: ${advice}`;
}

function missing(wanted: string): string {
  return wanted === "Wrong value"
    ? "Must be present"
    : `Must be present: ${wanted[0]!.toLowerCase()}${wanted.slice(1)}`;
}

function expected(issue: z.core.$ZodIssue, kinds: readonly unknown[] = []): string {
  switch (issue.code) {
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_type":
      // A schema that has words of its own says more than a type.
      return issue.message.startsWith("Invalid input")
        ? `Must be ${TYPES[issue.expected] ?? issue.expected}`
        : issue.message;
    case "too_small":
      return issue.origin === "array"
        ? `Must have at least ${issue.minimum} ${issue.minimum === 1 ? "entry" : "entries"}`
        : `Must be ${issue.inclusive ? "at least" : "greater than"} ${issue.minimum}`;
    case "too_big":
      return issue.origin === "array"
        ? `Must have at most ${issue.maximum} entries`
        : `Must be at most ${issue.maximum}`;
    case "invalid_union":
      return issue.discriminator ? oneOf(kinds) : unionMessage(issue);
    default:
      return issue.message || "Wrong value";
  }
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? `Must be ${texts[0]}` : `Must be one of ${texts.join(", ")}`;
}

/** A union without a discriminator shows what its last branch wanted: the branches before are special values. */
function unionMessage(issue: z.core.$ZodIssueInvalidUnion): string {
  const last = issue.errors.at(-1)?.[0];
  return last ? expected(last) : "Wrong value";
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly writeOnly?: boolean;
}

function knownKeys(schema: z.ZodType, root: unknown, path: Path): string[] {
  return Object.keys(schemaAt(schema, root, path)?.properties ?? {});
}

/** Secrets are marked `writeOnly` in the schema, JSON Schema's own word for them. */
function isSecret(schema: z.ZodType, root: unknown, path: Path): boolean {
  return path.some((_, index) => schemaAt(schema, root, path.slice(0, index + 1))?.writeOnly === true);
}

function schemaAt(schema: z.ZodType, root: unknown, path: Path): SchemaNode | undefined {
  return chooseBranch(unchosenAt(schema, root, path), valueAt(root, path));
}

/** {@linkcode schemaAt}, a union as a whole. */
function unchosenAt(schema: z.ZodType, root: unknown, path: Path): SchemaNode | undefined {
  let node = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as
    | SchemaNode
    | undefined;
  for (const [index, step] of path.entries()) {
    node = chooseBranch(node, valueAt(root, path.slice(0, index)));
    node = typeof step === "number" ? node?.items : node?.properties?.[step] ?? additional(node);
  }
  return node;
}

/** The values that tell the branches of a union apart, of which the path names the discriminator. */
function kindsAt(schema: z.ZodType, root: unknown, path: Path): unknown[] {
  const node = unchosenAt(schema, root, path.slice(0, -1));
  const branches = node?.oneOf ?? node?.anyOf ?? [];
  return branches.flatMap(({ properties }) => properties?.[String(path.at(-1))]?.const ?? []);
}

function additional(node: SchemaNode | undefined): SchemaNode | undefined {
  return typeof node?.additionalProperties === "object" ? node.additionalProperties : undefined;
}

/** Of a union the branch whose constants (a discriminator) the value has. */
function chooseBranch(node: SchemaNode | undefined, value: unknown): SchemaNode | undefined {
  const branches = node?.anyOf ?? node?.oneOf;
  return branches?.find((branch) =>
    Object.entries(branch.properties ?? {}).some(([key, property]) =>
      property.const !== undefined && valueAt(value, [key]) === property.const
    )
  ) ?? node;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, step)) return undefined;
    return (at as Record<string | number, unknown>)[step];
  }, value);
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= GIVEN_MAX ? text : `${text.slice(0, GIVEN_MAX)}…`;
}
