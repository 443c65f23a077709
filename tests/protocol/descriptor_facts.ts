// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import type { DescEnum, DescField, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

/**
 * All that a peer can notice of a .proto file, as one line of text for each named thing: which is then compared. Left
 * out are comments, order, and the options that only concern generated code of other languages (go_package).
 */
export function descriptorFacts(file: DescFile): Map<string, string> {
  const facts = new Map([["file", `package ${file.proto.package} ${file.proto.syntax}`]]);
  for (const message of file.messages) addMessage(facts, message);
  for (const item of file.enums) addEnum(facts, item);
  for (const service of file.services) addService(facts, service);
  return facts;
}

/** One line for each difference, empty if there is none. */
export function differences(published: Map<string, string>, ours: Map<string, string>): string[] {
  const names = [...new Set([...published.keys(), ...ours.keys()])].sort();
  return names
    .filter((name) => published.get(name) !== ours.get(name))
    .map((name) =>
      `${name}: published "${published.get(name) ?? "nothing"}", ours "${ours.get(name) ?? "nothing"}"`
    );
}

function addMessage(facts: Map<string, string>, message: DescMessage): void {
  facts.set(message.typeName, `message${deprecated(message)} oneofs [${message.oneofs.map((o) => o.name)}]`);
  for (const field of message.fields) facts.set(`${message.typeName}.${field.name}`, fieldFact(field));
  for (const nested of message.nestedMessages) addMessage(facts, nested);
  for (const nested of message.nestedEnums) addEnum(facts, nested);
}

function fieldFact(field: DescField): string {
  return [
    `${field.number} ${typeOf(field)}`,
    `presence ${field.presence}`,
    `json ${field.jsonName}`,
    field.fieldKind === "list" && field.packed ? "packed" : "",
    field.oneof ? `oneof ${field.oneof.name}` : "",
    field.proto.options?.debugRedact ? "debug_redact" : "",
    field.deprecated ? "deprecated" : "",
  ].filter(Boolean).join(", ");
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "map":
      return `map<${ScalarType[field.mapKey]}, ${valueType(field.scalar, field.message ?? field.enum)}>`;
    case "list":
      return `repeated ${valueType(field.scalar, field.message ?? field.enum)}`;
    default:
      return valueType(field.scalar, field.message ?? field.enum);
  }
}

function valueType(scalar: ScalarType | undefined, named: DescMessage | DescEnum | undefined): string {
  return named ? `${named.kind} ${named.typeName}` : ScalarType[scalar!]!;
}

function addEnum(facts: Map<string, string>, item: DescEnum): void {
  facts.set(item.typeName, `enum${deprecated(item)}${item.open ? " open" : ""}`);
  for (const { name, number } of item.values) facts.set(`${item.typeName}.${name}`, String(number));
}

function addService(facts: Map<string, string>, service: DescService): void {
  facts.set(service.typeName, `service${deprecated(service)}`);
  for (const method of service.methods) {
    const { input, output, methodKind, idempotency } = method;
    facts.set(
      `${service.typeName}/${method.name}`,
      `${methodKind} ${input.typeName} -> ${output.typeName}, idempotency ${idempotency}${
        deprecated(method)
      }`,
    );
  }
}

function deprecated(thing: { readonly deprecated: boolean }): string {
  return thing.deprecated ? " deprecated" : "";
}
