// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { LogRecord } from "@logtape/logtape";

/** One object a line, for machines: time, level, area, message, then the record's properties as they are. */
export function formatJson(record: LogRecord): string {
  const { properties } = record;
  const head = {
    time: timeOf(record),
    level: record.level,
    area: areaOf(record),
    message: messageOf(record),
  };
  return `${JSON.stringify({ ...head, ...plain(properties) as object })}\n`;
}

/** One line, for people: `2026-11-21T07:00:00.123Z INFO  sandbox  Sandbox 4f… is ready  phases={"create":12}`. */
export function formatText(record: LogRecord): string {
  const { level, properties, rawMessage } = record;
  const template = typeof rawMessage === "string" ? rawMessage : "";
  // What the message shows already is not said twice.
  const rest = Object.entries(properties).filter(([name]) => !template.includes(`{${name}}`));
  const fields = rest.map(([name, value]) => `${name}=${textOf(value)}`);
  const head = `${timeOf(record)} ${level.toUpperCase().padEnd(7)} ${areaOf(record).padEnd(9)} ${
    messageOf(record)
  }`;
  return `${[head, ...fields].join(" ")}\n`;
}

function timeOf({ timestamp }: LogRecord): string {
  return new Date(timestamp).toISOString();
}

/** Every category begins with the program's name. */
function areaOf({ category }: LogRecord): string {
  return category.slice(1).join(".") || category.join(".");
}

function messageOf({ message }: LogRecord): string {
  return message.map((part, index) => index % 2 === 0 ? String(part) : inMessage(part)).join("");
}

function inMessage(value: unknown): string {
  return typeof value === "string" ? value : value instanceof Error ? value.message : textOf(value);
}

/** A line is a line: whatever has a line break or a space is quoted. */
function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(plain(value)) ?? String(value);
  return typeof value === "string" && /^[\w.:/@+-]+$/.test(text)
    ? text
    : typeof value === "string"
    ? JSON.stringify(text)
    : text;
}

/** Data that JSON can hold: big integers as numbers where they fit, errors as what they say, bytes as their count. */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (value === null || typeof value !== "object") return value;
  if (depth > 6) return "…";
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
}

function plainError(error: Error, depth: number): unknown {
  const cause = error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) };
  const { code, grpcCode } = error as { code?: unknown; grpcCode?: unknown };
  return { name: error.name, message: error.message, ...plain({ code, grpcCode }) as object, ...cause };
}
