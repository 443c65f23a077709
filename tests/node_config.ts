// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";
import { GrpcClient } from "../protocol/grpc/mod.ts";
import { RuntimeService } from "../protocol/gen/cri_pb.ts";

/** A node process's configuration for one test, with everything in one folder. */
export interface TestNode {
  readonly work: string;
  readonly file: string;
  readonly socket: string;
  readonly clientSocket: string;
  readonly stateDir: string;
  readonly vmDirectory: string;
}

/** Writes `node.yaml` into `work` for a node with the process provider. `extra` is merged over it. */
export async function nodeConfig(work: string, extra: Record<string, unknown> = {}): Promise<TestNode> {
  const node = {
    work,
    file: join(work, "node.yaml"),
    socket: join(work, "cri.sock"),
    clientSocket: join(work, "client.sock"),
    stateDir: join(work, "state"),
    vmDirectory: join(work, "vms"),
  };
  await Deno.mkdir(node.stateDir, { recursive: true });
  await Deno.mkdir(node.vmDirectory, { recursive: true });
  const config = {
    socket: { path: node.socket },
    stateDir: node.stateDir,
    unsafe: true,
    link: { host: "127.0.0.1", port: 0, addresses: ["127.0.0.1"] },
    client: { socket: { path: node.clientSocket } },
    providers: { local: { kind: "process", directory: node.vmDirectory } },
    profiles: { process: { provider: "local" } },
    defaultProfile: "process",
    cgroupDriver: "cgroupfs",
    ...extra,
  };
  await Deno.writeTextFile(node.file, JSON.stringify(config, null, 2));
  return node;
}

/** VMs of the process provider: each is a directory. */
export async function vmDirectories(node: TestNode): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(node.vmDirectory)) if (entry.isDirectory) names.push(entry.name);
  return names;
}

/** What a node still holds: CRI's lists and the VM directories. */
export async function leftOn(node: TestNode): Promise<string[]> {
  using client = new GrpcClient(`unix:${node.socket}`);
  const runtime = client.service(RuntimeService);
  const { items } = await runtime.listPodSandbox({}, { timeoutMs: 10_000 });
  const { containers } = await runtime.listContainers({}, { timeoutMs: 10_000 });
  const directories = await vmDirectories(node);
  return [
    ...items.map((item) => `sandbox ${item.metadata?.name}`),
    ...containers.map((container) => `container ${container.metadata?.name}`),
    ...directories.map((name) => `VM directory ${name}`),
  ];
}

/** Resolves when {@linkcode leftOn} is empty, asked anew whenever a file changes; rejects with what is left after `ms`. */
export async function untilEmpty(node: TestNode, ms: number): Promise<void> {
  using watcher = Deno.watchFs([node.stateDir, node.vmDirectory], { recursive: true });
  const { promise: expired, resolve } = Promise.withResolvers<"expired">();
  using timeout = new DisposableStack();
  timeout.adopt(setTimeout(() => resolve("expired"), ms), clearTimeout);
  const events = watcher[Symbol.asyncIterator]();
  for (;;) {
    const left = await leftOn(node);
    if (left.length === 0) return;
    if (await Promise.race([events.next(), expired]) === "expired") {
      throw new Error(`After ${ms} ms there are still ${left.join(", ")}`);
    }
  }
}

/** After a failure: ends what a test has left running, so that it does not stand in the way of the next. */
export async function endProcessesOf(work: string): Promise<void> {
  for (const line of await processesOf({ work })) {
    try {
      Deno.kill(parseInt(line), "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Command lines of all processes that belong to this test: those that name its folder in arguments or environment. */
export async function processesOf(node: Pick<TestNode, "work">): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const command = (await Deno.readTextFile(`/proc/${name}/cmdline`)).replaceAll("\0", " ");
      const environment = await Deno.readTextFile(`/proc/${name}/environ`);
      if (command.includes(node.work) || environment.includes(node.work)) found.push(`${name}: ${command}`);
    } catch (error) {
      // It ended in between, or belongs to somebody else.
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
        if (!/ESRCH|No such process/.test(String(error))) throw error;
      }
    }
  }
  return found;
}
