// Copyright 2026 the Infranetes authors. Apache-2.0 licence.
import assert from "node:assert/strict";
import { Router, Session } from "../../protocol/link/session.ts";
import type { SessionOptions } from "../../protocol/link/session.ts";
import { Echo } from "../../protocol/link/testing/echo_service.ts";
import { dialWebSocket } from "../../protocol/link/websocket_client.ts";
import { makeCertificates } from "./certificates.ts";
import { startLinkServer, vmHttpClient } from "./link_server.ts";

const certificates = await makeCertificates("vm-1");
const router = new Router().service(Echo, {
  say: (request) => request,
  download: async function* ({ value }) {
    for (let i = 0; i < value; i++) yield await Promise.resolve({ value: new Uint8Array(60_000).fill(i) });
  },
  upload: async (requests) => {
    let sum = 0;
    for await (const { value } of requests) sum += value.length;
    return { value: sum };
  },
});

interface Linked {
  readonly dialer: Session;
  readonly listener: Session;
}

/** Runs `test` with both ends of a link over loopback, and closes everything. */
async function withLink(
  test: (linked: Linked) => Promise<void>,
  options: Partial<SessionOptions> = {},
): Promise<void> {
  const accepted = Promise.withResolvers<Session>();
  const gone = Promise.withResolvers<void>();
  const server = await startLinkServer(certificates, (transport) => {
    accepted.resolve(new Session(transport, { role: "listener", router, ...options }));
    void transport.closed.then(() => gone.resolve());
  });
  using client = vmHttpClient(certificates);
  const transport = await dialWebSocket(server.url, { client });
  const dialer = new Session(transport, { role: "dialer", router });
  try {
    await test({ dialer, listener: await accepted.promise });
  } finally {
    dialer.close("Test is over");
    await Promise.all([transport.closed, gone.promise]);
    await server.close();
  }
}

Deno.test("Link over WebSocket with client certificates carries calls both ways", async () => {
  await withLink(async ({ dialer, listener }) => {
    const value = new Uint8Array(300_000).fill(3);
    assert.deepEqual((await dialer.client(Echo).say({ value })).value, value);
    assert.deepEqual((await listener.client(Echo).say({ value })).value, value);
    let received = 0;
    for await (const message of listener.client(Echo).download({ value: 100 })) {
      received += message.value.length;
    }
    assert.equal(received, 6_000_000);
  });
});
