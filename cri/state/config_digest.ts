// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { createHash } from "node:crypto";
import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";

/**
 * SHA-256 (hex) of what a configuration says. The bytes of two equal requests differ: Go encodes maps in random order,
 * so it is taken over the fields in a fixed order.
 */
export function configDigest<Desc extends DescMessage>(schema: Desc, config: MessageShape<Desc>): string {
  return createHash("sha256").update(canonical(toJson(schema, config))).digest("hex");
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}
