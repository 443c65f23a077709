// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import type { ContainerFactsRow, SandboxFacts, VmFacts } from "./facts.ts";

/**
 * How a field lies in its column. `integer` is a JavaScript number, `nanoseconds` a bigint, `json` a text column with a
 * small array or object.
 */
export type ColumnKind = "text" | "integer" | "nanoseconds" | "blob" | "json";

/** Each field of a row with its kind. Its keys are the row's, so that none can be forgotten. */
export type Columns<Row> = { readonly [Field in keyof Row]-?: ColumnKind };

export const SANDBOX_COLUMNS: Columns<SandboxFacts> = {
  id: "text",
  name: "text",
  namespace: "text",
  uid: "text",
  attempt: "integer",
  origin: "text",
  runtimeHandler: "text",
  profile: "text",
  config: "blob",
  configDigest: "text",
  vmId: "text",
  createdAtNs: "nanoseconds",
  configuredAt: "integer",
  bootId: "text",
  readyAt: "integer",
  addresses: "json",
  phases: "json",
  warnings: "json",
  stopIntentAt: "integer",
  stoppedAt: "integer",
  lostReason: "text",
  removeIntentAt: "integer",
};

export const VM_COLUMNS: Columns<VmFacts> = {
  vmId: "text",
  provider: "text",
  sandboxId: "text",
  createToken: "text",
  createIntentAt: "integer",
  instanceId: "text",
  addresses: "json",
  joinToken: "text",
  boundKey: "text",
  firstSessionAt: "integer",
  epoch: "integer",
  bootId: "text",
  deleteIntentAt: "integer",
  deletedAt: "integer",
};

export const CONTAINER_COLUMNS: Columns<ContainerFactsRow> = {
  id: "text",
  sandboxId: "text",
  name: "text",
  attempt: "integer",
  config: "blob",
  configDigest: "text",
  imageId: "text",
  createdAtNs: "nanoseconds",
  createdOnAgentAt: "integer",
  startIntentAt: "integer",
  lastState: "blob",
  stopIntentAt: "integer",
  removeIntentAt: "integer",
  logBase: "integer",
  logDevice: "integer",
  logInode: "integer",
  warnings: "json",
};

/**
 * From one schema version to the next, in order: the file's version is how many of them were applied. Never changed
 * once released, only added to.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE sandboxes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    uid TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    origin TEXT NOT NULL,
    runtimeHandler TEXT NOT NULL,
    profile TEXT NOT NULL,
    config BLOB NOT NULL,
    configDigest TEXT NOT NULL,
    vmId TEXT NOT NULL,
    createdAtNs INTEGER NOT NULL,
    configuredAt INTEGER,
    bootId TEXT,
    readyAt INTEGER,
    addresses TEXT NOT NULL,
    phases TEXT NOT NULL,
    warnings TEXT NOT NULL,
    stopIntentAt INTEGER,
    stoppedAt INTEGER,
    lostReason TEXT,
    removeIntentAt INTEGER,
    UNIQUE (namespace, name, uid, attempt)
  ) STRICT;

  CREATE TABLE vms (
    vmId TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    sandboxId TEXT NOT NULL,
    createToken TEXT NOT NULL UNIQUE,
    createIntentAt INTEGER NOT NULL,
    instanceId TEXT,
    addresses TEXT NOT NULL,
    joinToken TEXT,
    boundKey TEXT,
    firstSessionAt INTEGER,
    epoch INTEGER NOT NULL,
    bootId TEXT,
    deleteIntentAt INTEGER,
    deletedAt INTEGER
  ) STRICT;

  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    sandboxId TEXT NOT NULL REFERENCES sandboxes (id),
    name TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    config BLOB NOT NULL,
    configDigest TEXT NOT NULL,
    imageId TEXT NOT NULL,
    createdAtNs INTEGER NOT NULL,
    createdOnAgentAt INTEGER,
    startIntentAt INTEGER,
    lastState BLOB,
    stopIntentAt INTEGER,
    removeIntentAt INTEGER,
    logBase INTEGER NOT NULL,
    logDevice INTEGER,
    logInode INTEGER,
    warnings TEXT NOT NULL,
    UNIQUE (sandboxId, name, attempt)
  ) STRICT;
  `,
];
