// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * What the filters of CRI's List calls mean: set fields are ANDed, an unset field and an absent filter say nothing.
 *
 * - An id is the whole id or a prefix that only one item has; an ambiguous prefix matches nothing.
 * - `state` is a message around an enum: if it is present it counts, also when the enum is zero.
 * - A label selector asks for each of its pairs exactly.
 * @module
 */

/** What a filter can look at. Sandboxes, containers and their statistics are all seen like this. */
export interface Filterable {
  readonly id: string;
  /** Of the sandbox that a container belongs to. */
  readonly podSandboxId?: string;
  /** The number of CRI's state enum. */
  readonly state?: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** The union of CRI's filter messages: each has some of these fields. */
export interface ListFilter {
  readonly id?: string;
  readonly podSandboxId?: string;
  readonly state?: { readonly state: number } | undefined;
  readonly labelSelector?: Readonly<Record<string, string>>;
}

/**
 * The items that the filter lets through, in their order.
 *
 * @param sandboxIds The sandboxes among which a prefix in `podSandboxId` must be unique. @default those of the items
 */
export function applyFilter<Item extends Filterable>(
  items: Iterable<Item>,
  filter: ListFilter | undefined,
  sandboxIds?: Iterable<string>,
): Item[] {
  const all = Array.isArray(items) ? items as Item[] : [...items];
  if (!filter) return all;
  const { state } = filter;
  const selector = Object.entries(filter.labelSelector ?? {});
  let id: string | undefined;
  if (filter.id) {
    id = resolveId(all.map((item) => item.id), filter.id);
    if (id === undefined) return [];
  }
  let sandboxId: string | undefined;
  if (filter.podSandboxId) {
    sandboxId = resolveId(sandboxIds ?? all.map((item) => item.podSandboxId ?? ""), filter.podSandboxId);
    if (sandboxId === undefined) return [];
  }
  return all.filter((item) =>
    (id === undefined || item.id === id) &&
    (sandboxId === undefined || item.podSandboxId === sandboxId) &&
    (state === undefined || item.state === state.state) &&
    selector.every(([key, value]) => Object.hasOwn(item.labels, key) && item.labels[key] === value)
  );
}

/** The id that `wanted` stands for: itself, or the only one that begins with it. An id may occur several times. */
export function resolveId(ids: Iterable<string>, wanted: string): string | undefined {
  let found: string | undefined;
  let ambiguous = false;
  for (const id of ids) {
    if (id === wanted) return id;
    if (id.startsWith(wanted)) {
      ambiguous ||= found !== undefined && found !== id;
      found = id;
    }
  }
  return ambiguous ? undefined : found;
}
