// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/**
 * Figures of the agent link: this process is the agent, `link_node.ts` the node, with mutual TLS over loopback.
 *
 *     deno run -A bench/link.ts [--sessions=10000]
 *
 * With `--sessions` it opens and closes so many sessions, three calls each, and shows the node's memory instead.
 */
// deno-lint-ignore-file no-console
import { Session, transportPair } from "../protocol/link/session.ts";
import { Echo } from "../protocol/link/testing/echo_service.ts";
import { dialWebSocket } from "../protocol/link/websocket_client.ts";
import { makeCertificates } from "../tests/link/certificates.ts";
import type { LinkCertificates } from "../tests/link/certificates.ts";
import { vmHttpClient } from "../tests/link/link_server.ts";
import { benchRouter, CHUNK_BYTES } from "./link_node.ts";

const MIB = 1024 * 1024;
const BULK_CHUNKS = 1600;
const BULK_ROUNDS = 5;

interface Node extends AsyncDisposable {
  readonly url: string;
  /** Resident memory in bytes. */
  rss(): number;
}

async function startNode(certificates: LinkCertificates): Promise<Node> {
  const args = ["run", "-A", new URL("link_node.ts", import.meta.url).href];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(`${JSON.stringify(certificates)}\n`));
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: url = "" } = await reader.read();
  return {
    url: url.trim(),
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${child.pid}/status`))![1]) * 1024,
    async [Symbol.asyncDispose]() {
      await stdin.close();
      await child.status;
      await reader.cancel();
    },
  };
}

async function dial(node: Node, client: Deno.HttpClient) {
  const transport = await dialWebSocket(node.url, { client });
  return { transport, session: new Session(transport, { role: "dialer" }) };
}

function report(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(52)} ${value.toFixed(value < 100 ? 2 : 0).padStart(9)} ${unit}`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** What a call costs right after the connection is open: HELLO both ways and the call itself. */
async function measureConnect(node: Node, certificates: LinkCertificates): Promise<void> {
  const connects: number[] = [];
  const firsts: number[] = [];
  for (let i = 0; i < 11; i++) {
    using client = vmHttpClient(certificates);
    const start = performance.now();
    const { transport, session } = await dial(node, client);
    const open = performance.now();
    await session.client(Echo).say({ value: new Uint8Array(32) });
    connects.push(open - start);
    firsts.push(performance.now() - open);
    session.close("Measured");
    await transport.closed;
  }
  report("connect with a fresh TLS handshake, median of 11", median(connects), "ms");
  report("first call after connect, first of the process", firsts[0]!, "ms");
  report("first call after connect, median of 11", median(firsts), "ms");
}

async function measureCalls(session: Session): Promise<void> {
  const { say } = session.client(Echo);
  const value = new Uint8Array(32);
  for (let i = 0; i < 3000; i++) await say({ value });
  const times: number[] = [];
  const start = performance.now();
  for (let i = 0; i < 20_000; i++) {
    const before = performance.now();
    await say({ value });
    times.push(performance.now() - before);
  }
  report("small calls, one after the other", 20_000 / (performance.now() - start) * 1000, "/s");
  times.sort((a, b) => a - b);
  report("  p50", times[10_000]!, "ms");
  report("  p99", times[19_800]!, "ms");
  const parallel = performance.now();
  await Promise.all(Array.from({ length: 32 }, async () => {
    for (let i = 0; i < 1000; i++) await say({ value });
  }));
  report("small calls, 32 at a time", 32_000 / (performance.now() - parallel) * 1000, "/s");
}

async function* chunks() {
  const value = new Uint8Array(CHUNK_BYTES).fill(7);
  for (let i = 0; i < BULK_CHUNKS; i++) yield await Promise.resolve({ value });
}

async function upload(session: Session): Promise<number> {
  return (await session.client(Echo).upload(chunks())).value;
}

async function download(session: Session): Promise<number> {
  let count = 0;
  for await (const _ of session.client(Echo).download({ value: BULK_CHUNKS })) count += 1;
  return count;
}

async function measureBulk(name: string, run: () => Promise<number>): Promise<void> {
  const rates: number[] = [];
  for (let round = 0; round < BULK_ROUNDS; round++) {
    const start = performance.now();
    if (await run() !== BULK_CHUNKS) throw new Error(`${name}: chunks were lost`);
    rates.push(BULK_CHUNKS * CHUNK_BYTES / MIB / (performance.now() - start) * 1000);
  }
  report(`${name}, median of ${BULK_ROUNDS} x 100 MiB`, median(rates), "MiB/s");
}

/** How long small calls take while bulk data goes both ways. */
async function measureMixed(session: Session): Promise<void> {
  const { say } = session.client(Echo);
  const bulk = Promise.all([upload(session), download(session)]);
  let running = true;
  const done = bulk.then(() => running = false);
  const times: number[] = [];
  while (running) {
    const start = performance.now();
    await say({ value: new Uint8Array(32) });
    times.push(performance.now() - start);
  }
  await done;
  times.sort((a, b) => a - b);
  report(`small call during bulk both ways, p50 of ${times.length}`, times[times.length >> 1]!, "ms");
  report("  p99", times[Math.floor(times.length * 0.99)]!, "ms");
}

async function measureMemory(): Promise<void> {
  const [a, b] = transportPair();
  const dialer = new Session(a, { role: "dialer" });
  new Session(b, { role: "listener", router: benchRouter() });
  await measureBulk("bulk in memory", () => download(dialer));
  const { say } = dialer.client(Echo);
  const start = performance.now();
  for (let i = 0; i < 50_000; i++) await say({ value: new Uint8Array(32) });
  report("small calls in memory, one after the other", 50_000 / (performance.now() - start) * 1000, "/s");
  dialer.close("Measured");
}

async function measureSessions(node: Node, certificates: LinkCertificates, total: number): Promise<void> {
  report("node memory before", node.rss() / 1e6, "MB");
  let client = vmHttpClient(certificates);
  for (let i = 1; i <= total; i++) {
    const { transport, session } = await dial(node, client);
    const { say } = session.client(Echo);
    for (let call = 0; call < 3; call++) await say({ value: new Uint8Array(32) });
    session.close("Measured");
    await transport.closed;
    // As agents do, each of which has a client of its own: a fresh handshake for some, resumption for others.
    if (i % 20 === 0) {
      client.close();
      client = vmHttpClient(certificates);
    }
    if (i % Math.ceil(total / 10) === 0) report(`node memory after ${i} sessions`, node.rss() / 1e6, "MB");
  }
  client.close();
}

const certificates = await makeCertificates("vm-1");
await using node = await startNode(certificates);
const sessions = Number(/^--sessions=(\d+)$/.exec(Deno.args[0] ?? "")?.[1] ?? 0);
if (sessions > 0) {
  await measureSessions(node, certificates, sessions);
} else {
  using client = vmHttpClient(certificates);
  await measureConnect(node, certificates);
  const { transport, session } = await dial(node, client);
  await measureCalls(session);
  await measureBulk("bulk agent to node", () => upload(session));
  await measureBulk("bulk node to agent", () => download(session));
  await measureMixed(session);
  report("node memory after all this", node.rss() / 1e6, "MB");
  session.close("Measured");
  await transport.closed;
  await measureMemory();
}
