// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

import { join } from "node:path";

/** Where the demo has its files: all below one temporary folder. */
export interface DemoPlaces {
  readonly folder: string;
  readonly config: string;
  readonly clientSocket: string;
}

/** Writes the configuration of a node without VMs: every pod is a process on this machine. */
export async function writeConfig(folder: string): Promise<DemoPlaces> {
  const config = join(folder, "node.yaml");
  const clientSocket = join(folder, "client.sock");
  await Deno.writeTextFile(
    config,
    `# The node of the demo: pods are plain processes, for which no root and no VM is needed.
unsafe: true
stateDir: ${folder}/state
socket: { path: ${folder}/cri.sock }
client: { socket: { path: ${clientSocket} } }
link: { host: 127.0.0.1, port: 0 }
providers:
  embedded: { kind: process }
profiles:
  demo: { provider: embedded }
defaultProfile: demo
cgroupDriver: cgroupfs
log: { level: info }
`,
  );
  return { folder, config, clientSocket };
}
