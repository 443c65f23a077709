// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";

/** A value that may be logged. */
export type Loggable = string | number | boolean | Loggable[] | { [key: string]: Loggable };

const REDACTED = "[redacted]";

/**
 * Fields that hold secrets of users without being marked in the protocol: commands carry passwords as arguments, and
 * annotations carry whole manifests (`kubectl.kubernetes.io/last-applied-configuration`) with their environment.
 */
const SENSITIVE = new Set(["command", "args", "cmd", "annotations"]);

const MAX_TEXT = 256;
const MAX_ITEMS = 32;

/**
 * A message as data for a log. Fields with the option `debug_redact` and those of {@linkcode SENSITIVE} show only that
 * they are set, bytes (values of environment variables are bytes) only how many there are; long texts and lists are cut.
 */
export function redact(schema: DescMessage, message: Message): Loggable {
  return fromMessage(reflect(schema, message));
}

function fromMessage(message: ReflectMessage): Loggable {
  const fields = message.fields.filter((field) => message.isSet(field));
  return Object.fromEntries(fields.map((field) => [field.name, fromField(message, field)]));
}

function fromField(message: ReflectMessage, field: DescField): Loggable {
  if (field.proto.options?.debugRedact || SENSITIVE.has(field.name)) return REDACTED;
  switch (field.fieldKind) {
    case "message":
      return fromMessage(message.get(field));
    case "list":
      return cut([...message.get(field)].slice(0, MAX_ITEMS + 1).map(fromValue));
    case "map": {
      const entries = [...message.get(field)].slice(0, MAX_ITEMS);
      return Object.fromEntries(entries.map(([key, value]) => [String(key), fromValue(value)]));
    }
    case "enum":
      return field.enum.value[message.get(field)]?.name ?? Number(message.get(field));
    default:
      return fromValue(message.get(field));
  }
}

function cut(items: Loggable[]): Loggable[] {
  return items.length <= MAX_ITEMS ? items : [...items.slice(0, MAX_ITEMS), "…"];
}

function fromValue(value: unknown): Loggable {
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}…`;
  if (typeof value === "number" || typeof value === "boolean") return value;
  return fromMessage(value as ReflectMessage);
}
