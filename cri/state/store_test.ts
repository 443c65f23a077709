// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  AlreadyExistsError,
  FailedPreconditionError,
  NotFoundError,
  UnavailableError,
} from "../../lib/errors.ts";
import { containerRow, sandboxRow, vmRow } from "../testing/rows.ts";
import type { FactChange, FactStore } from "./facts.ts";
import { openFactStore, type StoreOptions } from "./store.ts";

interface TemporaryStore extends AsyncDisposable {
  readonly path: string;
  open(options?: StoreOptions): FactStore;
}

async function temporary(): Promise<TemporaryStore> {
  const directory = await Deno.makeTempDir({ prefix: "infranetes-store-" });
  const open: FactStore[] = [];
  const path = `${directory}/facts.sqlite`;
  return {
    path,
    open(options) {
      for (const store of open.splice(0)) store[Symbol.dispose]();
      open.push(openFactStore(path, options));
      return open[0]!;
    },
    async [Symbol.asyncDispose]() {
      for (const store of open) store[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("a fact store gives back every field of every row as it was, also in the next process", async () => {
  await using files = await temporary();
  const rows = {
    sandbox: sandboxRow({
      attempt: 4_294_967_295,
      addresses: ["10.0.0.1", "fd00::1"],
      phases: { create: 1.5, link: 20 },
      warnings: ["a 'quoted' warning"],
      bootId: "boot",
      readyAt: 1_795_244_400_123,
      createdAtNs: 2n ** 63n - 1n,
    }),
    vm: vmRow({ epoch: Number.MAX_SAFE_INTEGER, instanceId: "i-1", addresses: ["10.0.0.1"] }),
    container: containerRow({ lastState: new Uint8Array([0, 255, 1]), logBase: 2 ** 53 - 1, logInode: 7 }),
  };
  const store = files.open();
  store.sandboxes.insert(rows.sandbox, "sandbox");
  store.vms.insert(rows.vm, "vm");
  store.containers.insert(rows.container, "container");
  store.settings.set("pod_cidr", "10.244.0.0/24");
  const again = files.open();
  assert.deepEqual(again.sandboxes.get(rows.sandbox.id), rows.sandbox);
  assert.deepEqual(again.vms.all(), [rows.vm]);
  assert.deepEqual(again.containers.all(), [rows.container]);
  assert.equal(again.settings.get("pod_cidr"), "10.244.0.0/24");
  assert.equal(again.settings.get("nothing"), undefined);
});

Deno.test("a fact store updates only what is given, and answers the whole row", async () => {
  await using files = await temporary();
  const store = files.open();
  const row = sandboxRow();
  store.sandboxes.insert(row, "intent");
  assert.deepEqual(store.sandboxes.update(row.id, { readyAt: 5 }, "ready"), { ...row, readyAt: 5 });
  assert.deepEqual(store.sandboxes.update(row.id, {}, "nothing"), { ...row, readyAt: 5 });
  assert.deepEqual(store.sandboxes.update(row.id, { readyAt: null }, "not ready"), row);
  store.sandboxes.delete(row.id, "removed");
  assert.equal(store.sandboxes.get(row.id), undefined);
});

Deno.test("a fact store refuses a row that is there, one that is not, and an unknown sandbox", async () => {
  await using files = await temporary();
  const store = files.open();
  const row = sandboxRow();
  store.sandboxes.insert(row, "intent");
  assert.throws(() => store.sandboxes.insert(row, "again"), AlreadyExistsError);
  assert.throws(() => store.sandboxes.insert({ ...row, id: "d".repeat(64) }, "same key"), AlreadyExistsError);
  assert.throws(() => store.sandboxes.update("nobody", { readyAt: 1 }, "ready"), NotFoundError);
  assert.throws(() => store.containers.insert(containerRow({ sandboxId: "nobody" }), "x"), UnavailableError);
  assert.throws(() => store.sandboxes.update(row.id, { readyAt: undefined } as never, "x"), TypeError);
  assert.deepEqual(store.sandboxes.all(), [row]);
});

Deno.test("transaction() is one fact: all of it, one hook, changes told after the commit", async () => {
  await using files = await temporary();
  const facts: string[] = [];
  const store = files.open({ afterFact: (fact) => facts.push(fact) });
  const changes: FactChange[] = [];
  store.onchange = (change) => changes.push(change);
  store.transaction("intent", () => {
    store.sandboxes.insert(sandboxRow(), "inner");
    store.vms.insert(vmRow(), "inner");
    assert.deepEqual([facts, changes], [[], []]);
  }, { durable: true });
  assert.deepEqual(facts, ["intent"]);
  assert.deepEqual(changes.map(({ table, key }) => [table, key]), [
    ["sandboxes", sandboxRow().id],
    ["vms", vmRow().vmId],
  ]);
  store.vms.delete(vmRow().vmId, "gone");
  assert.deepEqual(changes.at(-1), { table: "vms", key: vmRow().vmId, row: undefined });
});

Deno.test("transaction() that throws records nothing and tells nobody", async () => {
  await using files = await temporary();
  const facts: string[] = [];
  const store = files.open({ afterFact: (fact) => facts.push(fact) });
  const changes: FactChange[] = [];
  store.onchange = (change) => changes.push(change);
  const change = () => {
    store.sandboxes.insert(sandboxRow(), "inner");
    throw new RangeError("no");
  };
  assert.throws(() => store.transaction("intent", change), RangeError);
  store.settings.set("after", "it works");
  assert.deepEqual([store.sandboxes.all(), facts, changes], [[], ["setting after"], []]);
});

Deno.test("a fact that was committed is there although the process died in the hook after it", async () => {
  await using files = await temporary();
  const store = files.open({
    afterFact: () => {
      throw new Error("killed");
    },
  });
  assert.throws(() => store.sandboxes.insert(sandboxRow(), "intent"), /killed/);
  assert.equal(files.open().sandboxes.all().length, 1);
});

Deno.test("a fact store's files can be read by their user only", async () => {
  await using files = await temporary();
  await Deno.writeTextFile(files.path, "", { mode: 0o644 });
  await Deno.chmod(files.path, 0o644);
  files.open().vms.insert(vmRow(), "intent");
  for (const suffix of ["", "-wal"]) {
    const { mode } = await Deno.stat(files.path + suffix);
    assert.equal((mode! & 0o777).toString(8), "600", `facts.sqlite${suffix}`);
  }
});

Deno.test("openFactStore() refuses a file that another process has, in words", async () => {
  await using files = await temporary();
  files.open();
  assert.throws(() => openFactStore(files.path), (error) => {
    assert.ok(error instanceof UnavailableError);
    assert.match(error.message, /another process has it open/);
    return true;
  });
});

Deno.test("openFactStore() refuses a file of a newer version and leaves it as it is", async () => {
  await using files = await temporary();
  files.open().vms.insert(vmRow(), "intent");
  files.open()[Symbol.dispose]();
  const database = new DatabaseSync(files.path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(() => openFactStore(files.path), FailedPreconditionError);
  assert.throws(() => openFactStore(files.path), /schema version 99/);
});

Deno.test("openFactStore() says what is wrong with a file that is no fact file or cannot be made", async () => {
  await using files = await temporary();
  await Deno.writeTextFile(files.path, "this is not a database".repeat(100));
  assert.throws(() => openFactStore(files.path), /cannot be opened: file is not a database/);
  assert.throws(() => openFactStore(`${files.path}/nested`), UnavailableError);
});
