// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import { DatabaseSync } from "node:sqlite";
import { FailedPreconditionError, UnavailableError } from "../../lib/errors.ts";
import type { FactChange, FactStore, Settings } from "./facts.ts";
import { CONTAINER_COLUMNS, MIGRATIONS, SANDBOX_COLUMNS, VM_COLUMNS } from "./schema.ts";
import { SqliteTable } from "./table.ts";

export interface StoreOptions {
  /** Called right after each committed fact, with its name. Tests kill the process here. */
  readonly afterFact?: (fact: string) => void;
}

/**
 * The fact file: SQLite in WAL mode, owned by this process alone, readable by its user only. NORMAL synchronous: a
 * committed fact outlives the process at once, and the machine within the next checkpoint; a `durable` one at once.
 *
 * @throws {UnavailableError} if the file cannot be opened or another process has it
 * @throws {FailedPreconditionError} if a newer version of the program wrote it
 */
export function openFactStore(path: string, options: StoreOptions = {}): FactStore {
  return new SqliteFactStore(path, options);
}

class SqliteFactStore implements FactStore {
  readonly sandboxes;
  readonly vms;
  readonly containers;
  readonly settings: Settings;
  onchange: ((change: FactChange) => void) | null = null;

  readonly #database: DatabaseSync;
  readonly #afterFact: (fact: string) => void;
  #inTransaction = false;
  #pending: FactChange[] = [];

  constructor(path: string, options: StoreOptions) {
    this.#afterFact = options.afterFact ?? (() => {});
    this.#database = openDatabase(path);
    const table = {
      database: this.#database,
      commit: <T>(fact: string, change: () => T) => this.transaction(fact, change),
    };
    const changed = (change: FactChange) => void this.#pending.push(change);
    this.sandboxes = new SqliteTable({
      ...table,
      name: "sandboxes",
      key: "id",
      columns: SANDBOX_COLUMNS,
      changed: (key, row) => changed({ table: "sandboxes", key, row }),
    });
    this.vms = new SqliteTable({
      ...table,
      name: "vms",
      key: "vmId",
      columns: VM_COLUMNS,
      changed: (key, row) => changed({ table: "vms", key, row }),
    });
    this.containers = new SqliteTable({
      ...table,
      name: "containers",
      key: "id",
      columns: CONTAINER_COLUMNS,
      changed: (key, row) => changed({ table: "containers", key, row }),
    });
    this.settings = this.#openSettings();
  }

  transaction<T>(fact: string, change: () => T, options: { readonly durable?: boolean } = {}): T {
    // A change inside a transaction is part of that fact.
    if (this.#inTransaction) return change();
    const result = this.#commit(fact, change, options.durable ?? false);
    const changes = this.#pending;
    this.#pending = [];
    this.#afterFact(fact);
    for (const each of changes) this.onchange?.(each);
    return result;
  }

  #commit<T>(fact: string, change: () => T, durable: boolean): T {
    this.#inTransaction = true;
    try {
      // SQLite takes a new synchronous level only outside a transaction.
      if (durable) this.#database.exec("PRAGMA synchronous = FULL");
      this.#database.exec("BEGIN IMMEDIATE");
      const result = change();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#pending = [];
      // On some errors, a full disk among them, SQLite has rolled back by itself.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw isSqliteError(error) ? unavailable(`Fact '${fact}' could not be recorded`, error) : error;
    } finally {
      this.#inTransaction = false;
      if (durable) this.#database.exec("PRAGMA synchronous = NORMAL");
    }
  }

  #openSettings(): Settings {
    const select = this.#database.prepare("SELECT value FROM settings WHERE key = ?");
    const upsert = this.#database.prepare("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)");
    return {
      get: (key) => select.get(key)?.value as string | undefined,
      set: (key, value) => this.transaction(`setting ${key}`, () => void upsert.run(key, value)),
    };
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    // Made before SQLite does, with the right mode; -wal takes the mode of its file.
    Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    Deno.chmodSync(path, 0o600);
    const database = new DatabaseSync(path);
    try {
      // Exclusive: the lock is held from the first write until close, so that there is one writer at most.
      database.exec(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
      );
      database.exec("PRAGMA foreign_keys = ON");
      migrate(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof FailedPreconditionError) throw error;
    throw unavailable(`Fact file '${path}' cannot be opened`, error as Error);
  }
}

function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare("PRAGMA user_version").get()!.user_version);
  if (version > MIGRATIONS.length) {
    throw new FailedPreconditionError(
      `Fact file has schema version ${version}, this program knows ${MIGRATIONS.length}: run the newer program`,
    );
  }
  // A write even when there is nothing to do: it takes the exclusive lock now rather than at the first fact.
  database.exec("BEGIN IMMEDIATE");
  for (const step of MIGRATIONS.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  database.exec("COMMIT");
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === "ERR_SQLITE_ERROR";
}

function unavailable(what: string, cause: Error): UnavailableError {
  const hint = /locked/.test(cause.message) ? "another process has it open" : cause.message;
  return new UnavailableError(`${what}: ${hint}`, { cause });
}
