// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Strangers at the link port of a node process while pods start. What they say is in `tests/trust/port_test.ts`. */
import assert from "node:assert/strict";
import { endProcessesOf, leftOn, nodeConfig, processesOf } from "../node_config.ts";
import { NodeProcess } from "../node_process.ts";
import { descriptors } from "./census.ts";
import { containerConfig, Cri, sandboxConfig } from "./pod.ts";

const IDLE = 1000;
/** A TLS record that announces a ClientHello of 512 bytes, and only its beginning. */
const HALF_HELLO = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00);

async function stranger(port: number, bytes = new Uint8Array()): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(bytes);
  return connection;
}

async function untilClosed(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // A reset is an end too.
  }
}

async function runPod({ runtime }: Cri, config: ReturnType<typeof sandboxConfig>) {
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const { containerId } = await runtime.createContainer({ podSandboxId, config: containerConfig("main") });
  await runtime.startContainer({ containerId });
  return { podSandboxId, containerId };
}

Deno.test("1,000 idle connections, half handshakes and raw bytes keep no pod from starting, and nothing of them is left", async () => {
  const work = await Deno.makeTempDir({ prefix: "inf-port-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(work, { recursive: true }));
  stack.defer(() => endProcessesOf(work));
  const node = await nodeConfig(work);
  const process = stack.use(await NodeProcess.start(node));
  const port = Number((await process.logged(/linkPort=(\d+)/))[1]);
  using cri = new Cri(node);
  const first = await runPod(cri, sandboxConfig(node, "first"));
  const before = await descriptors(process.pid);

  const connections = stack.use(new DisposableStack());
  for (let count = 0; count < IDLE; count++) connections.use(await stranger(port));
  for (let count = 0; count < 5; count++) connections.use(await stranger(port, HALF_HELLO));
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\0".repeat(5000)]) {
    await untilClosed(connections.use(await stranger(port, new TextEncoder().encode(text))));
  }
  // As many as one address may have, far fewer than came.
  assert.ok(await descriptors(process.pid) < before + 300);
  const second = await runPod(cri, sandboxConfig(node, "second"));
  for (const { containerId } of [first, second]) {
    assert.equal((await cri.runtime.execSync({ containerId, cmd: ["true"], timeout: 10n })).exitCode, 0);
  }
  connections.dispose();

  await cri.runtime.removePodSandbox({ podSandboxId: second.podSandboxId });
  // The node sees the strangers go one by one; each answered call has given it time for it.
  for (let calls = 0; calls < 500 && await descriptors(process.pid) > before; calls++) {
    await cri.runtime.version({});
  }
  assert.equal(await descriptors(process.pid), before);
  await cri.runtime.removePodSandbox({ podSandboxId: first.podSandboxId });
  assert.deepEqual(await leftOn(node), []);
  assert.equal((await process.end("SIGTERM")).code, 0);
  assert.deepEqual(await processesOf(node), []);
  const told = (await process.log()).split("\n").filter((line) => line.includes("Peer")).length;
  assert.ok(told > 0 && told <= 200, `${told} lines about strangers`);
});
