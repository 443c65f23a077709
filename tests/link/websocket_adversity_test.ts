// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { decodeFrame, Flag, FrameType, MAX_FRAME_BYTES } from "../../protocol/link/frame.ts";
import { DEFAULT_LIMITS } from "../../protocol/link/limits.ts";
import { dataFrame, encodeMethodName, helloFrame, openFrame } from "../../protocol/link/payload.ts";
import { CloseCode, Router, Session } from "../../protocol/link/session.ts";
import type { SessionEnd } from "../../protocol/link/session.ts";
import { Echo } from "../../protocol/link/testing/echo_service.ts";
import { dialWebSocket } from "../../protocol/link/websocket_client.ts";
import type { WebSocketServerTransport } from "../../protocol/link/websocket_server.ts";
import { makeCertificates } from "./certificates.ts";
import { startLinkServer, vmHttpClient } from "./link_server.ts";
import type { LinkServer } from "./link_server.ts";
import { Opcode, RawWebSocket } from "./raw_websocket.ts";

const certificates = await makeCertificates("vm-1");
const HELLO = helloFrame({ ...DEFAULT_LIMITS, oldest: 1, newest: 1 });

interface Node extends AsyncDisposable {
  readonly server: LinkServer;
  /** The first session that came, and its transport. */
  readonly session: Promise<Session>;
  readonly transport: Promise<WebSocketServerTransport>;
}

async function startNode(router = new Router(), closeGraceMs = 10): Promise<Node> {
  const session = Promise.withResolvers<Session>();
  const transport = Promise.withResolvers<WebSocketServerTransport>();
  const server = await startLinkServer(certificates, (accepted) => {
    transport.resolve(accepted);
    session.resolve(new Session(accepted, { role: "listener", router }));
  }, { closeGraceMs });
  return {
    server,
    session: session.promise,
    transport: transport.promise,
    async [Symbol.asyncDispose]() {
      (await session.promise).close("Test is over");
      await (await transport.promise).closed;
      await server.close();
    },
  };
}

/** What becomes of a session whose peer does this after the upgrade. */
async function endAfter(attack: (socket: RawWebSocket) => Promise<void>): Promise<SessionEnd> {
  await using node = await startNode();
  using socket = await RawWebSocket.dial(node.server.url, certificates);
  await attack(socket);
  return await (await node.session).closed;
}

Deno.test("WebSocketServerTransport ends with a peer that sends a text message", async () => {
  const end = await endAfter((socket) => socket.send(1, new TextEncoder().encode("hello")));
  assert.deepEqual([end.code, end.reason], [CloseCode.PROTOCOL_ERROR, "Peer sent a text message"]);
});

Deno.test("WebSocketServerTransport ends with a peer that sends WebSocket pings, and answers none", async () => {
  const end = await endAfter((socket) => socket.send(Opcode.PING, new Uint8Array(4)));
  assert.match(end.reason, /WebSocket ping/);
});

Deno.test("WebSocketServerTransport ends with a peer that announces more than a frame, before it has come", async () => {
  const end = await endAfter((socket) =>
    socket.write(new Uint8Array([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]))
  );
  assert.deepEqual([end.code, end.by], [CloseCode.PROTOCOL_ERROR, "transport"]);
  assert.match(end.reason, /[Mm]ax payload size exceeded/);
});

Deno.test("WebSocketServerTransport takes a message of exactly one frame", async () => {
  const frame = dataFrame(1, Flag.MESSAGE, new Uint8Array(MAX_FRAME_BYTES - 12));
  const end = await endAfter(async (socket) => {
    await socket.send(Opcode.BINARY, HELLO);
    await socket.send(Opcode.BINARY, frame);
  });
  assert.match(end.reason, /Stream is not open \(DATA frame on stream 1\)/);
});

Deno.test("WebSocketServerTransport ends with a peer that cuts a message into ever smaller pieces", async () => {
  const end = await endAfter(async (socket) => {
    await socket.write(new Uint8Array([0x02, 0x80, 0, 0, 0, 0]));
    for (let i = 0; i < 20; i++) await socket.write(new Uint8Array([0x00, 0x81, 0, 0, 0, 0, 1]));
  });
  assert.match(end.reason, /[Ff]ragments/);
});

Deno.test("WebSocketServerTransport is told when the peer vanishes", async () => {
  const end = await endAfter((socket) => Promise.resolve(socket[Symbol.dispose]()));
  assert.deepEqual([end.code, end.by], [CloseCode.LOST, "transport"]);
});

Deno.test("WebSocketServerTransport answers a message that has no answer, so that a peer with Nagle's algorithm goes on", async () => {
  await using node = await startNode();
  using socket = await RawWebSocket.dial(node.server.url, certificates);
  await socket.send(Opcode.BINARY, HELLO);
  assert.equal((await socket.receive(Opcode.PONG)).length, 0);
});

Deno.test("WebSocketServerTransport cuts a peer off that does not answer the close frame", async () => {
  await using node = await startNode();
  using socket = await RawWebSocket.dial(node.server.url, certificates);
  (await node.session).close("x".repeat(500), CloseCode.SUPERSEDED);
  const payload = await socket.receive(Opcode.CLOSE);
  assert.deepEqual([payload[0]! << 8 | payload[1]!, payload.length], [CloseCode.SUPERSEDED, 125]);
  const { code } = await (await node.transport).closed;
  assert.equal(code, CloseCode.LOST);
});

Deno.test("A peer that opens bulk streams and acknowledges nothing costs the node no more than what is in flight", async () => {
  const router = new Router().service(Echo, {
    download: async function* () {
      const chunk = { value: new Uint8Array(60_000) };
      for (;;) yield await Promise.resolve(chunk);
    },
  });
  await using node = await startNode(router);
  using socket = await RawWebSocket.dial(node.server.url, certificates);
  await socket.send(Opcode.BINARY, HELLO);
  const method = encodeMethodName("infranetes.link.testing.Echo/Download");
  for (let stream = 1; stream < 201; stream += 2) {
    await socket.send(
      Opcode.BINARY,
      openFrame(stream, { method, timeoutMs: 0, message: new Uint8Array(0), last: true }),
    );
  }
  const session = await node.session;
  // The node has handled all of it once it has answered what comes last.
  await socket.send(
    Opcode.BINARY,
    openFrame(201, { method: encodeMethodName("No/Method"), timeoutMs: 0, message: undefined, last: true }),
  );
  for (;;) {
    const frame = decodeFrame(new Uint8Array(await socket.receive(Opcode.BINARY)));
    if (frame.type === FrameType.END) break;
  }
  assert.equal(session.usage.incomingCalls, 100);
  assert(
    session.usage.transportBytes <= 512 * 1024,
    `${session.usage.transportBytes} bytes wait in the transport`,
  );
});

Deno.test("dialWebSocket() rejects with UNAVAILABLE when nobody listens", async () => {
  await assert.rejects(dialWebSocket("wss://127.0.0.1:1/v1/link"), {
    code: 14,
    message: /^Cannot connect to wss:\/\/127/,
  });
});

Deno.test("dialWebSocket() rejects without a client certificate and with an unknown CA", async () => {
  const server = await startLinkServer(certificates, () => assert.fail("A stranger was let in"));
  const stranger = await makeCertificates("vm-1");
  using noCertificate = Deno.createHttpClient({ caCerts: [certificates.ca] });
  using otherCa = Deno.createHttpClient({ caCerts: [certificates.ca], ...stranger.vm });
  for (const client of [noCertificate, otherCa]) {
    await assert.rejects(dialWebSocket(server.url, { client }), { code: 14 });
  }
  await server.close();
});

Deno.test("dialWebSocket() gives up when its signal aborts", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const dialling = dialWebSocket(`wss://127.0.0.1:${silent.addr.port}/v1/link`, {
    signal: controller.signal,
  });
  using _connection = await silent.accept();
  controller.abort(new Error("Too long"));
  await assert.rejects(dialling, /Too long/);
  await assert.rejects(dialWebSocket("wss://127.0.0.1:1/", { signal: AbortSignal.abort() }), {
    name: "AbortError",
  });
});

Deno.test("The agent's session learns why the node closed, and that a node vanished", async () => {
  for (const vanish of [false, true]) {
    const closed = Promise.withResolvers<void>();
    const server = await startLinkServer(certificates, (transport, socket) => {
      void transport.closed.then(() => closed.resolve());
      if (vanish) socket.once("message", () => socket.terminate());
      else new Session(transport, { role: "listener" }).close("Node is updated", CloseCode.SUPERSEDED);
    });
    using client = vmHttpClient(certificates);
    const transport = await dialWebSocket(server.url, { client });
    const end = await new Session(transport, { role: "dialer" }).closed;
    if (vanish) assert.deepEqual([end.code, end.by], [CloseCode.LOST, "transport"]);
    else assert.deepEqual(end, { by: "peer", code: CloseCode.SUPERSEDED, reason: "Node is updated" });
    await transport.closed;
    await closed.promise;
    await server.close();
  }
});

Deno.test("The agent's session ends when the node sends a text message", async () => {
  const closed = Promise.withResolvers<void>();
  const server = await startLinkServer(certificates, (transport, socket) => {
    void transport.closed.then(() => closed.resolve());
    socket.send("hello");
  });
  using client = vmHttpClient(certificates);
  const transport = await dialWebSocket(server.url, { client });
  const end = await new Session(transport, { role: "dialer" }).closed;
  assert.deepEqual([end.code, end.reason], [CloseCode.PROTOCOL_ERROR, "Peer sent a text message"]);
  await transport.closed;
  await closed.promise;
  await server.close();
});
