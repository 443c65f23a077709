// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import fc from "fast-check";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ContainerFilterSchema,
  ContainerState,
  ContainerStateValueSchema,
  PodSandboxFilterSchema,
} from "../protocol/gen/cri_pb.ts";
import { applyFilter, type Filterable, type ListFilter, resolveId } from "./filters.ts";

function item(id: string, more: Partial<Filterable> = {}): Filterable {
  return { id, podSandboxId: "s1", state: 0, labels: {}, ...more };
}

Deno.test("applyFilter() answers everything without a filter and with an empty one", () => {
  const items = [item("a"), item("b", { state: 3 })];
  assert.deepEqual(applyFilter(items, undefined), items);
  assert.deepEqual(applyFilter(items, create(ContainerFilterSchema)), items);
  assert.deepEqual(applyFilter(new Set(items), create(PodSandboxFilterSchema)), items);
});

Deno.test("applyFilter() takes a present state of zero for CONTAINER_CREATED, not for unset", () => {
  // On the wire the wrapper is an empty message: field 2, length 0.
  const filter = fromBinary(ContainerFilterSchema, new Uint8Array([0x12, 0x00]));
  assert.deepEqual(filter.state, create(ContainerStateValueSchema));
  const items = [item("a", { state: ContainerState.CONTAINER_CREATED }), item("b", { state: 1 })];
  assert.deepEqual(applyFilter(items, filter).map((each) => each.id), ["a"]);
  assert.equal(toBinary(ContainerFilterSchema, filter).length, 2);
});

Deno.test("applyFilter() prefers a whole id to a prefix and refuses an ambiguous prefix", () => {
  const items = [item("ab"), item("abc"), item("abd")];
  const ids = (id: string) => applyFilter(items, { id }).map((each) => each.id);
  assert.deepEqual(ids("ab"), ["ab"]);
  assert.deepEqual(ids("abc"), ["abc"]);
  assert.deepEqual(ids("a"), []);
  assert.deepEqual(ids("x"), []);
});

Deno.test("applyFilter() resolves a sandbox prefix among all sandboxes, also those without containers", () => {
  const items = [item("a", { podSandboxId: "s10" })];
  assert.equal(applyFilter(items, { podSandboxId: "s1" }, ["s10", "s11"]).length, 0);
  assert.equal(applyFilter(items, { podSandboxId: "s1" }, ["s10", "t"]).length, 1);
});

Deno.test("applyFilter() does not find labels on the prototype", () => {
  assert.deepEqual(applyFilter([item("a")], { labelSelector: { constructor: "x" } }), []);
  assert.deepEqual(applyFilter([item("a")], { labelSelector: { toString: "" } }), []);
});

// A small alphabet, so that prefixes, repetitions and matches are frequent.
const id = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
const label = fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("", "x", "y"), {
  noNullPrototype: true,
});
const filterables = fc.uniqueArray(
  fc.record({ id, podSandboxId: id, state: fc.integer({ min: 0, max: 3 }), labels: label }),
  { selector: (each) => each.id, maxLength: 8 },
);
const filters: fc.Arbitrary<ListFilter | undefined> = fc.option(
  fc.record({
    id: fc.oneof(fc.constant(""), id),
    podSandboxId: fc.oneof(fc.constant(""), id),
    state: fc.option(fc.record({ state: fc.integer({ min: 0, max: 3 }) }), { nil: undefined }),
    labelSelector: label,
  }),
  { nil: undefined },
);

/** The same, said as naively as can be. */
function naive(items: Filterable[], filter: ListFilter | undefined): Filterable[] {
  const names = (ids: string[], wanted: string, actual: string) => {
    if (wanted === "" || wanted === actual) return true;
    const matching = new Set(ids.filter((each) => each.startsWith(wanted)));
    return !ids.includes(wanted) && matching.size === 1 && matching.has(actual);
  };
  const result = [];
  for (const each of items) {
    if (filter) {
      if (!names(items.map((other) => other.id), filter.id!, each.id)) continue;
      if (!names(items.map((other) => other.podSandboxId!), filter.podSandboxId!, each.podSandboxId!)) {
        continue;
      }
      if (filter.state && filter.state.state !== each.state) continue;
      let labelled = true;
      for (const key in filter.labelSelector) {
        if (!(key in each.labels) || each.labels[key] !== filter.labelSelector[key]) labelled = false;
      }
      if (!labelled) continue;
    }
    result.push(each);
  }
  return result;
}

Deno.test("applyFilter() agrees with a naive model", () => {
  fc.assert(
    fc.property(filterables, filters, (items, filter) => {
      assert.deepEqual(applyFilter(items, filter), naive(items, filter));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("resolveId() finds an id that occurs several times", () => {
  assert.equal(resolveId(["abc", "abc", "x"], "ab"), "abc");
  assert.equal(resolveId(["abc", "abd", "ab"], "ab"), "ab");
  assert.equal(resolveId([], "ab"), undefined);
});
