// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A node process's configuration for one test, and a look at what that node still holds. */
export interface TestNode {
  readonly file: string;
  readonly socket: string;
  readonly stateDir: string;
  readonly vmDirectory: string;
  /** Rows of each fact table. */
  rows(): Record<string, number>;
  /** Resolves when neither a row nor a VM directory is left; rejects with what is, after `ms` milliseconds. */
  untilEmpty(ms: number): Promise<void>;
}

/** Writes `node.yaml` into `work` for a node with the process provider. */
export async function nodeConfig(work: string): Promise<TestNode> {
  const stateDir = join(work, "state");
  const vmDirectory = join(work, "vms");
  const socket = join(work, "cri.sock");
  const file = join(work, "node.yaml");
  await Deno.mkdir(stateDir, { recursive: true });
  await Deno.mkdir(vmDirectory, { recursive: true });
  const config = {
    socket: { path: socket },
    stateDir,
    unsafe: true,
    link: { host: "127.0.0.1", port: 0, addresses: ["127.0.0.1"] },
    client: { socket: { path: join(work, "client.sock") } },
    providers: { local: { kind: "process", directory: vmDirectory } },
    profiles: { process: { provider: "local" } },
    defaultProfile: "process",
    cgroupDriver: "cgroupfs",
    log: { level: "debug" },
  };
  await Deno.writeTextFile(file, JSON.stringify(config, null, 2));
  const rows = () => countRows(join(stateDir, "facts.db"));
  return {
    file,
    socket,
    stateDir,
    vmDirectory,
    rows,
    async untilEmpty(ms) {
      const left = () =>
        [
          ...Object.entries(rows()).filter(([, count]) => count > 0).map(([table, count]) =>
            `${count} ${table}`
          ),
        ]
          .concat([...Deno.readDirSync(vmDirectory)].map((entry) => `VM directory ${entry.name}`));
      const watcher = Deno.watchFs([stateDir, vmDirectory], { recursive: true });
      const timer = setTimeout(() => watcher.close(), ms);
      try {
        if (left().length === 0) return;
        for await (const _ of watcher) if (left().length === 0) return;
        throw new Error(`After ${ms} ms there are still ${left().join(", ")}`);
      } finally {
        clearTimeout(timer);
        try {
          watcher.close();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }
    },
  };
}

function countRows(path: string): Record<string, number> {
  using database = new DatabaseSync(path, { readOnly: true });
  const count = (table: string) =>
    (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
  return { sandboxes: count("sandboxes"), vms: count("vms"), containers: count("containers") };
}
