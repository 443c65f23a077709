// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the text itself, before anything is known about its meaning. */
export interface SyntaxProblem extends Position {
  readonly message: string;
}

/** Keys and indices from the top of a document to a value. */
export type Path = readonly (string | number)[];

/** One YAML document that remembers where each of its values stands. */
export class YamlSource {
  readonly problems: readonly SyntaxProblem[];
  /** Plain data; undefined if the text has problems. */
  readonly value: unknown;
  readonly #lines = new LineCounter();
  readonly #root: Node | null;

  constructor(text: string) {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, stringKeys: true });
    this.problems = document.errors.map((error) => ({
      message: sentence(error.code, error.message),
      ...this.#positionAt(error.pos[0]),
    }));
    this.#root = document.contents;
    this.value = this.problems.length === 0 ? document.toJS({ maxAliasCount: 100 }) : undefined;
  }

  /** Where the value at the path stands; of a value that is absent, where its nearest parent stands. */
  positionOf(path: Path): Position {
    let node: unknown = this.#root;
    let at = this.#root?.range?.[0] ?? 0;
    for (const step of path) {
      const found = child(node, step);
      if (!found) break;
      node = found.value;
      at = found.at;
    }
    return this.#positionAt(at);
  }

  #positionAt(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function child(node: unknown, step: string | number): { value: unknown; at: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    const at = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    return pair && at !== undefined ? { value: pair.value, at } : undefined;
  }
  if (isSeq(node) && typeof step === "number") {
    const value = node.items[step] as Node | undefined;
    return value?.range ? { value, at: value.range[0] } : undefined;
  }
  return undefined;
}

/** The parser's own words, except where they speak of its API. */
function sentence(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "The file holds more than one document (`---`): one is expected";
  if (code === "DUPLICATE_KEY") return "The same key stands twice in one mapping";
  return message.replace(/\s+/g, " ").replace(/\.$/, "");
}
