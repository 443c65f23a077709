// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { AlreadyExistsError, NotFoundError } from "../../lib/errors.ts";
import type { FactTable } from "./facts.ts";
import type { ColumnKind, Columns } from "./schema.ts";

/** Commits `change` as one fact, and tells of the row afterwards. */
export type Commit = <T>(fact: string, change: () => T) => T;

export interface TableOptions<Row, Key extends keyof Row> {
  readonly database: DatabaseSync;
  readonly name: string;
  readonly key: Key & string;
  readonly columns: Columns<Row>;
  readonly commit: Commit;
  readonly changed: (key: Row[Key], row: Row | undefined) => void;
}

/** One table of the fact file. Field names are column names. */
export class SqliteTable<Row extends object, Key extends keyof Row> implements FactTable<Row, Key> {
  readonly #options: TableOptions<Row, Key>;
  readonly #fields: readonly (keyof Row & string)[];
  readonly #select: StatementSync;
  readonly #selectAll: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #updates = new Map<string, StatementSync>();

  constructor(options: TableOptions<Row, Key>) {
    const { database, name, key } = options;
    this.#options = options;
    this.#fields = Object.keys(options.columns) as (keyof Row & string)[];
    this.#select = database.prepare(`SELECT * FROM ${name} WHERE ${key} = ?`);
    this.#selectAll = database.prepare(`SELECT * FROM ${name} ORDER BY rowid`);
    for (const statement of [this.#select, this.#selectAll]) statement.setReadBigInts(true);
    const marks = this.#fields.map(() => "?").join(", ");
    this.#insert = database.prepare(`INSERT INTO ${name} (${this.#fields.join(", ")}) VALUES (${marks})`);
    this.#delete = database.prepare(`DELETE FROM ${name} WHERE ${key} = ?`);
  }

  get(key: Row[Key]): Row | undefined {
    const row = this.#select.get(key as SQLInputValue);
    return row && this.#decode(row);
  }

  all(): Row[] {
    return this.#selectAll.all().map((row) => this.#decode(row));
  }

  insert(row: Row, fact: string): void {
    const key = row[this.#options.key];
    this.#options.commit(fact, () => {
      try {
        this.#insert.run(...this.#fields.map((field) => this.#encode(field, row[field])));
      } catch (cause) {
        if (!/^UNIQUE constraint/.test((cause as Error).message)) throw cause;
        throw new AlreadyExistsError(`Row '${String(key)}' of ${this.#options.name} exists`, { cause });
      }
      this.#options.changed(key, row);
    });
  }

  update(key: Row[Key], patch: Partial<Omit<Row, Key>>, fact: string): Row {
    const fields = Object.keys(patch) as (keyof Row & string)[];
    return this.#options.commit(fact, () => {
      const values = fields.map((field) =>
        this.#encode(field, (patch as Partial<Row>)[field] as Row[typeof field])
      );
      const found = fields.length === 0 ||
        this.#update(fields).run(...values, key as SQLInputValue).changes > 0;
      const row = found ? this.get(key) : undefined;
      if (!row) throw new NotFoundError(`Row '${String(key)}' of ${this.#options.name} does not exist`);
      this.#options.changed(key, row);
      return row;
    });
  }

  delete(key: Row[Key], fact: string): void {
    this.#options.commit(fact, () => {
      this.#delete.run(key as SQLInputValue);
      this.#options.changed(key, undefined);
    });
  }

  #update(fields: readonly string[]): StatementSync {
    const assignments = fields.map((field) => `${field} = ?`).join(", ");
    let statement = this.#updates.get(assignments);
    if (!statement) {
      const { database, name, key } = this.#options;
      statement = database.prepare(`UPDATE ${name} SET ${assignments} WHERE ${key} = ?`);
      this.#updates.set(assignments, statement);
    }
    return statement;
  }

  #encode(field: keyof Row & string, value: Row[keyof Row]): SQLInputValue {
    if (value === null) return null;
    if (value === undefined) throw new TypeError(`Field '${field}' of ${this.#options.name} is undefined`);
    return this.#options.columns[field] === "json" ? JSON.stringify(value) : value as SQLInputValue;
  }

  #decode(row: Record<string, SQLOutputValue>): Row {
    const columns = this.#options.columns;
    return Object.fromEntries(
      this.#fields.map((field) => [field, decodeValue(columns[field], row[field]!)]),
    ) as Row;
  }
}

function decodeValue(kind: ColumnKind, value: SQLOutputValue): unknown {
  if (value === null) return null;
  if (kind === "integer") return Number(value);
  if (kind === "json") return JSON.parse(value as string);
  return value;
}
