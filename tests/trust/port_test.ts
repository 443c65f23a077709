// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { TestAgent } from "./test_agent.ts";
import { TestNode } from "./test_node.ts";
import type { TestNodeOptions } from "./test_node.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** Reads until the peer ends the connection, however it does. */
async function readAll(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let all = "";
  try {
    for (let count; (count = await connection.read(buffer)) !== null;) {
      all += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    }
  } catch {
    // A reset, or TLS without a goodbye: that is an end too.
  }
  return all;
}

function plain(node: TestNode): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: node.listener.port });
}

async function tls(node: TestNode): Promise<Deno.TlsConn> {
  const caCerts = [node.authority.certificate];
  const connection = await Deno.connectTls({ hostname: "127.0.0.1", port: node.listener.port, caCerts });
  try {
    await connection.handshake();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What the node answers to these bytes until it hangs up. */
async function exchange(node: TestNode, bytes: string): Promise<string> {
  using connection = await tls(node);
  await connection.write(text(bytes));
  return await readAll(connection);
}

const quick: TestNodeOptions = { listener: { handshakeTimeoutMs: 500, requestTimeoutMs: 500 } };

Deno.test("there are three paths, and a clear status for everything else", async () => {
  await using node = await TestNode.start();
  using client = Deno.createHttpClient({ caCerts: [node.authority.certificate] });
  const status = async (method: string, path: string, body?: BodyInit) => {
    const init = body === undefined ? { method, client } : { method, client, body };
    const response = await fetch(`https://${node.address}${path}`, init);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  assert.match(await status("GET", "/"), /^404 There is nothing at this path$/);
  assert.match(await status("GET", "/v1/enroll/"), /^404/);
  assert.match(await status("GET", "/v1/enroll"), /^405 This path is served by POST only$/);
  assert.match(await status("DELETE", "/v1/check"), /^405/);
  assert.match(await status("GET", "/v1/link"), /^426 This path serves WebSockets only$/);
  assert.match(await status("POST", "/v1/enroll", "not protobuf"), /^400 Body is no EnrollRequest$/);
  assert.match(await status("POST", "/v1/enroll", ""), /^401/);
});

Deno.test("a body larger than 8 KiB is refused, with and without a content length", async () => {
  await using node = await TestNode.start();
  const head = "POST /v1/enroll HTTP/1.1\r\nHost: x\r\n";
  assert.match(
    await exchange(node, `${head}Content-Length: 8193\r\n\r\n`),
    /^HTTP\/1.1 413 .*Body is larger than 8192/s,
  );
  const chunk = `2100\r\n${"x".repeat(0x2100)}\r\n0\r\n\r\n`;
  assert.match(await exchange(node, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`), /^HTTP\/1.1 413 /);
});

Deno.test("headers larger than 8 KiB, bytes that are no HTTP and other protocols are cut off", async () => {
  await using node = await TestNode.start(quick);
  for (
    const bytes of [
      `GET / HTTP/1.1\r\nX: ${"x".repeat(9000)}\r\n\r\n`,
      "\0\x01\x02\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\n",
    ]
  ) {
    assert.doesNotMatch(await exchange(node, bytes), / 200 /);
  }
  for (
    const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "SSH-2.0-x\r\n", "\xff".repeat(5000)]
  ) {
    using connection = await plain(node);
    await connection.write(text(bytes));
    await connection.closeWrite();
    await readAll(connection);
  }
  await using agent = await TestAgent.start(node.addVm());
  await agent.session();
  assert.equal(node.listener.unknownPeers, 0);
});

Deno.test("an upgrade without a certificate, at another path, or broken is answered and closed", async () => {
  await using node = await TestNode.start();
  const upgrade = (path: string, more = "") =>
    exchange(
      node,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`,
    );
  assert.match(await upgrade("/v1/link"), /^HTTP\/1.1 401 .*Client certificate is missing/s);
  assert.match(await upgrade("/v1/exec"), /^HTTP\/1.1 404 .*no WebSocket at this path/s);
  assert.equal(node.listener.unknownPeers, 0);
});

Deno.test("a half-open handshake, a silent client, half a header and half a body end by their time limits", async () => {
  await using node = await TestNode.start(quick);
  const halves: (() => Promise<Deno.Conn>)[] = [
    () => plain(node),
    async () => {
      const connection = await plain(node);
      // The beginning of a ClientHello.
      await connection.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00));
      return connection;
    },
    () => tls(node),
    async () => {
      const connection = await tls(node);
      await connection.write(text("GET /v1/check HTTP/1.1\r\nHost:"));
      return connection;
    },
    async () => {
      const connection = await tls(node);
      await connection.write(text("POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
      return connection;
    },
  ];
  const connections = await Promise.all(halves.map((open) => open()));
  await Promise.all(connections.map(readAll));
  for (const connection of connections) connection.close();
  while (node.listener.unknownPeers > 0) await new Promise((resolve) => setImmediate(resolve));
});

Deno.test("a link outlives the time limits on unknown peers", async () => {
  await using node = await TestNode.start(quick);
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  const { session } = await agent.session();
  // A peer that came later and was cut off: the limits have passed for the link too.
  for (let count = 0; count < 3; count++) {
    using connection = await tls(node);
    await readAll(connection);
  }
  assert.equal(session.end, undefined);
  const link = node.registry.get(userData.vmId)!;
  assert.equal((await link.sandbox.describe({})).sandboxId, "described");
  assert.equal(node.listener.unknownPeers, 0);
});

Deno.test("with 1,000 idle connections from one address VMs enrol, are linked and served all the same", async () => {
  await using node = await TestNode.start();
  const before = Deno.memoryUsage().rss;
  const idle: Deno.Conn[] = [];
  for (let count = 0; count < 1000; count++) idle.push(await plain(node));
  assert.ok(node.listener.unknownPeers <= 256);
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  const link = await node.registry.waitFor(userData.vmId, AbortSignal.timeout(10_000));
  for (let count = 0; count < 100; count++) await link.sandbox.describe({});
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 100, `RSS has grown by ${grown} MiB`);
  for (const connection of idle) connection.close();
});

Deno.test("an address whose connections come to nothing is refused for a while; links that are open stay", async () => {
  await using node = await TestNode.start({
    listener: { admission: { failureBurst: 20, failuresPerSecond: 0.001 } },
  });
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  const { session } = await agent.session();
  for (let count = 0; count < 30; count++) {
    using connection = await plain(node);
    await connection.write(text("no TLS")).catch(() => {});
    await readAll(connection);
  }
  await assert.rejects(tls(node));
  assert.equal(session.end, undefined);
  const link = node.registry.get(userData.vmId)!;
  assert.equal((await link.sandbox.describe({})).sandboxId, "described");
});

Deno.test("many VMs behind one address are no failures: each is served", async () => {
  const admission = { failureBurst: 8, failuresPerSecond: 0.001, perSource: 8, total: 8 };
  await using node = await TestNode.start({ listener: { admission } });
  // Twice as many as the budget: each spends two connections and gets both back.
  for (let count = 0; count < 16; count++) {
    await using agent = await TestAgent.start(node.addVm());
    await agent.session();
  }
});

Deno.test("a VM that opens links in a circle is told to stop, others are served", async () => {
  await using node = await TestNode.start({ listener: { links: { perSecond: 0.001, burst: 20 } } });
  const userData = node.addVm();
  await using agent = await TestAgent.start(userData);
  await agent.session();
  await agent.stop();
  const { certificate, key } = JSON.parse(await Deno.readTextFile(`${agent.directory}/identity.json`));
  using client = Deno.createHttpClient({ caCerts: [node.authority.certificate], cert: certificate, key });
  let refused = 0;
  for (let count = 0; count < 40; count++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = new WebSocket(`wss://${node.address}/v1/link`, { client });
    socket.onopen = () => socket.close();
    socket.onerror = () => refused++;
    socket.onclose = () => resolve();
    await promise;
  }
  // One of the 20 was the agent's own.
  assert.equal(refused, 21);
  await using other = await TestAgent.start(node.addVm());
  await other.session();
});
