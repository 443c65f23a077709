// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** What a node has, counted before and after: nothing may be left of what was refused. */
import { DatabaseSync } from "node:sqlite";
import { join, relative } from "node:path";
import { leftOn, processesOf, type TestNode } from "../node_config.ts";

/** Everything that a node has, as sorted words, to be compared as a whole. */
export async function census(node: TestNode): Promise<string[]> {
  const files = [];
  for (const folder of [node.stateDir, node.vmDirectory]) {
    for await (const path of filesBelow(folder)) files.push(`file ${relative(node.work, path)}`);
  }
  const processes = (await processesOf(node)).map((line) => `process ${line}`);
  return [...await leftOn(node), ...files, ...processes].sort();
}

/** Rows of each table of the fact file. The node process must have ended: it has its file for itself alone. */
export function factRows(node: TestNode): Record<string, number> {
  const database = new DatabaseSync(join(node.stateDir, "facts.sqlite"), { readOnly: true });
  try {
    const count = (table: string) => database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()!.rows;
    return Object.fromEntries(
      ["sandboxes", "vms", "containers"].map((table) => [table, Number(count(table))]),
    );
  } finally {
    database.close();
  }
}

/** File descriptors of a process, sockets among them. */
export async function descriptors(pid: number): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* filesBelow(path);
    else yield path;
  }
}
